/** The same text without the tokens of addresses in it. */
export const withoutTokens = (text: string): string =>
  text.replace(/([?&]token=)[^&#\s"'<>)\]]*/g, '$1redacted');
