import type { EntryFacts } from './cache-folder.ts';

interface Row extends EntryFacts {
  /** The scan that last saw it. */
  readonly scan: number;
}

/**
 * What a process knows of the entries in the folder, least recently used first. Other processes change the folder: a row
 * may be without its entry, and an entry without its row, until a scan puts that right.
 */
export class EntryIndex {
  #rows = new Map<string, Row>();
  /** Deleted since the scan began, which may have looked at them before. */
  readonly #deleted = new Set<string>();
  #isScanning = false;
  #sizeBytes = 0;
  #scan = 0;

  get count(): number {
    return this.#rows.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The entry was written or used just now. */
  put(name: string, facts: EntryFacts): void {
    this.delete(name);
    this.#deleted.delete(name);
    this.#add(name, facts);
  }

  delete(name: string): void {
    if (this.#isScanning) this.#deleted.add(name);
    const row = this.#rows.get(name);
    if (row === undefined) return;
    this.#rows.delete(name);
    this.#sizeBytes -= row.sizeBytes;
  }

  leastRecent(): string | undefined {
    const { value } = this.#rows.keys().next();
    return value;
  }

  /** Names of entries written before or after these times. */
  writtenOutside(earliestMs: number, latestMs: number): string[] {
    const names: string[] = [];
    for (const [name, { writtenAtMs }] of this.#rows) {
      if (writtenAtMs < earliestMs || writtenAtMs > latestMs) names.push(name);
    }
    return names;
  }

  beginScan(): void {
    this.#scan += 1;
    this.#isScanning = true;
  }

  /** The scan came by this entry. What was done to the row since it began is newer. */
  see(name: string, facts: EntryFacts): void {
    const row = this.#rows.get(name);
    if (row?.scan === this.#scan || this.#deleted.has(name)) return;
    this.#sizeBytes -= row?.sizeBytes ?? 0;
    this.#add(name, { ...facts, usedAtMs: Math.max(facts.usedAtMs, row?.usedAtMs ?? 0) });
  }

  /** Puts the rows into the order of their last use, by whichever process. */
  sort(): void {
    this.#rows = new Map([...this.#rows].sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs));
  }

  /** The scan has seen the whole folder: what it did not see, and what was not put since it began, is gone. */
  dropUnseen(): void {
    for (const [name, { scan }] of this.#rows) {
      if (scan !== this.#scan) this.delete(name);
    }
  }

  /** The scan is over, whether it has seen the whole folder or not. */
  endScan(): void {
    this.#isScanning = false;
    this.#deleted.clear();
    this.sort();
  }

  #add(name: string, { sizeBytes, writtenAtMs, usedAtMs }: EntryFacts): void {
    this.#rows.set(name, { sizeBytes, writtenAtMs, usedAtMs, scan: this.#scan });
    this.#sizeBytes += sizeBytes;
  }
}
