"""Text that a neural model can be trusted with."""

from .faults import SpeechFault


def require_words(text: str) -> None:
    """Raises SpeechFault `text_not_speakable` without a letter or digit: such models then make words up."""
    if not any(character.isalnum() for character in text):
        raise SpeechFault("text_not_speakable", "The text holds no letter and no digit.")
