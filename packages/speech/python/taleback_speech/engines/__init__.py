"""The engines that come with the package, one a module; engine.py names them. None is imported unless asked for."""
