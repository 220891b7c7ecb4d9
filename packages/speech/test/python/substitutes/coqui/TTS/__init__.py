"""Stand-in for the package coqui-tts. No model."""
