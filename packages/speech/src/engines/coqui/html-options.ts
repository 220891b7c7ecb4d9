const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescapeHtml = (text: string): string =>
  text.replace(/&(?:#(\d+)|([a-z]+));/gu, (entity, code: string | undefined, name: string | undefined) =>
    code === undefined
      ? (ENTITIES[name ?? ''] ?? entity)
      : String.fromCodePoint(Math.min(Number(code), 0x10_ffff)),
  );

/**
 * The choices of one `<select>` on the page that the server shows to people: it is the one place where both kinds of
 * server tell their speakers and languages, line breaks in names included.
 *
 * @param id of the element, such as `speaker_id`
 */
export const htmlOptions = (page: string, id: string): string[] => {
  const [, choices = ''] = new RegExp(`<select[^>]*\\bid="${id}"[^>]*>(.*?)</select>`, 'su').exec(page) ?? [];
  return [...choices.matchAll(/<option[^>]*\bvalue="([^"]*)"/gu)].map(([, value = '']) =>
    unescapeHtml(value),
  );
};
