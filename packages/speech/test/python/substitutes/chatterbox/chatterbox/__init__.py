"""Stand-in for the package chatterbox-tts. No model."""
