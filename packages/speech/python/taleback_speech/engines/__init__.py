"""The engines that come with the package, one a module. registry.py names them; none is imported unless asked for."""
