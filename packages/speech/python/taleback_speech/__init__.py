"""A speech child: text in, sound out, over standard input and output.

The protocol is that of ../../src/protocol/ARCHITECTURE.md; README.md beside this package says how to run it by hand
and how to add an engine. Python 3.8 or newer, standard library only: a model's packages are imported by its
engine, when it loads.
"""
