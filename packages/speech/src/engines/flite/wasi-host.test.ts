import { beforeEach, describe, expect, test } from 'vitest';
import { WasiExit, WasiHost } from './wasi-host.ts';

const SUCCESS = 0;
const BADF = 8;
const INVAL = 28;
const NOENT = 44;
const NOSPC = 51;
const SPIPE = 70;
const NOTCAPABLE = 76;

const PATH_AT = 1000;
const VECTOR_AT = 2000;
const DATA_AT = 3000;
const RESULT_AT = 4000;

/** The host as a program sees it: numbers in, an error number out, the rest in memory. */
const programWith = (args: readonly string[]) => {
  const buffer = new ArrayBuffer(1 << 16);
  const view = new DataView(buffer);
  const bytes = new Uint8Array(buffer);
  const host = new WasiHost();
  host.attach({ buffer });
  host.begin(args);
  const imports = host.imports();
  const call = (name: string, ...values: (number | bigint)[]): number => imports[name]?.(...values) as number;
  const put = (at: number, text: string): void => bytes.set(Buffer.from(text), at);
  const open = (path: string, flags = 9): number => {
    put(PATH_AT, path);
    return call('path_open', 3, 0, PATH_AT, path.length, flags, 0n, 0n, 0, RESULT_AT);
  };
  const write = (fd: number, text: string): number => {
    put(DATA_AT, text);
    view.setUint32(VECTOR_AT, DATA_AT, true);
    view.setUint32(VECTOR_AT + 4, text.length, true);
    return call('fd_write', fd, VECTOR_AT, 1, RESULT_AT);
  };
  const textAt = (at: number, length: number): string => Buffer.from(buffer, at, length).toString();
  return { host, view, call, open, write, textAt };
};

let program: ReturnType<typeof programWith>;
beforeEach(() => {
  program = programWith(['flite', '-t', 'h\u00e9']);
});

describe('WasiHost', () => {
  test('hands over the arguments, each with its zero', () => {
    const { call, view, textAt } = program;
    expect(call('args_sizes_get', 0, 4)).toBe(SUCCESS);
    expect([view.getUint32(0, true), view.getUint32(4, true)]).toEqual([3, 13]);
    expect(call('args_get', 16, 100)).toBe(SUCCESS);
    expect([16, 20, 24].map((at) => view.getUint32(at, true))).toEqual([100, 106, 109]);
    expect(textAt(100, 13)).toBe('flite\0-t\0h\u00e9\0');
  });

  test('has one directory and no more', () => {
    const { call, view, textAt } = program;
    expect(call('fd_prestat_get', 3, 0)).toBe(SUCCESS);
    expect(view.getUint32(4, true)).toBe(1);
    expect(call('fd_prestat_dir_name', 3, 8, 1)).toBe(SUCCESS);
    expect(textAt(8, 1)).toBe('/');
    expect(call('fd_prestat_dir_name', 3, 8, 0)).toBe(INVAL);
    expect(call('fd_prestat_get', 4, 0)).toBe(BADF);
    expect(call('fd_prestat_dir_name', 4, 8, 1)).toBe(BADF);
  });

  test.each(['/etc/passwd', '../out.wav', 'other.wav', ''])('does not open %j', (path) => {
    expect(program.open(path)).toBe(NOENT);
  });

  test('opens the output once, from the root only', () => {
    const { call, open, view } = program;
    expect(call('path_open', 0, 0, PATH_AT, 7, 9, 0n, 0n, 0, RESULT_AT)).toBe(BADF);
    expect(open('out.wav')).toBe(SUCCESS);
    expect(view.getUint32(RESULT_AT, true)).toBe(4);
    expect(open('out.wav')).toBe(NOTCAPABLE);
    expect(call('fd_close', 4)).toBe(SUCCESS);
    expect(call('fd_close', 4)).toBe(BADF);
    expect(open('out.wav')).toBe(SUCCESS);
  });

  test('writes, seeks and reads the output', () => {
    const { host, call, open, write, view, textAt } = program;
    expect(write(4, 'early')).toBe(BADF);
    open('out.wav');
    expect(write(4, 'RIFF....data')).toBe(SUCCESS);
    expect(view.getUint32(RESULT_AT, true)).toBe(12);
    expect(call('fd_seek', 4, 4n, 0, RESULT_AT)).toBe(SUCCESS);
    expect(write(4, 'size')).toBe(SUCCESS);
    expect(call('fd_seek', 4, -8n, 1, RESULT_AT)).toBe(SUCCESS);
    expect(view.getBigUint64(RESULT_AT, true)).toBe(0n);
    expect(Buffer.from(host.output.contents()).toString()).toBe('RIFFsizedata');
    expect(call('fd_read', 4, VECTOR_AT, 1, RESULT_AT)).toBe(SUCCESS);
    expect(textAt(DATA_AT, 4)).toBe('RIFF');
    expect(call('fd_seek', 4, -1n, 2, RESULT_AT)).toBe(SUCCESS);
    expect(view.getBigUint64(RESULT_AT, true)).toBe(11n);
  });

  test('refuses impossible seeks', () => {
    const { call, open } = program;
    expect(call('fd_seek', 1, 0n, 0, RESULT_AT)).toBe(SPIPE);
    expect(call('fd_seek', 4, 0n, 0, RESULT_AT)).toBe(BADF);
    open('out.wav');
    expect(call('fd_seek', 4, -1n, 0, RESULT_AT)).toBe(INVAL);
    expect(call('fd_seek', 4, 0n, 3, RESULT_AT)).toBe(INVAL);
    expect(call('fd_seek', 4, 1n << 40n, 0, RESULT_AT)).toBe(INVAL);
  });

  test('has room for 64 MiB and says so', () => {
    const { call, open, write } = program;
    open('out.wav');
    expect(call('fd_seek', 4, 64n << 20n, 0, RESULT_AT)).toBe(SUCCESS);
    expect(write(4, 'x')).toBe(NOSPC);
  });

  test('keeps what is printed, up to a bound, and gives no input', () => {
    const { host, call, write, view } = program;
    for (let count = 0; count < 300; count += 1)
      expect(write(count % 2 === 0 ? 1 : 2, 'oh, dear! ')).toBe(SUCCESS);
    expect(host.printed).toHaveLength(2000);
    expect(call('fd_read', 0, VECTOR_AT, 1, RESULT_AT)).toBe(SUCCESS);
    expect(view.getUint32(RESULT_AT, true)).toBe(0);
  });

  test('knows what its descriptors are', () => {
    const { call, open, view } = program;
    open('out.wav');
    const types = [0, 1, 2, 3, 4].map((fd) => {
      expect(call('fd_fdstat_get', fd, 64)).toBe(SUCCESS);
      return view.getUint8(64);
    });
    expect(types).toEqual([2, 2, 2, 3, 4]);
    expect(call('fd_fdstat_get', 5, 64)).toBe(BADF);
    expect(call('fd_fdstat_set_flags', 1, 0)).toBe(SUCCESS);
    expect(call('fd_fdstat_set_flags', -1, 0)).toBe(BADF);
  });

  test('stands still in time', () => {
    program.view.setBigUint64(RESULT_AT, 5n, true);
    expect(program.call('clock_time_get', 0, 0n, RESULT_AT)).toBe(SUCCESS);
    expect(program.view.getBigUint64(RESULT_AT, true)).toBe(0n);
  });

  test('ends the program by throwing', () => {
    expect(() => program.call('proc_exit', 3)).toThrow(new WasiExit(3));
  });

  test('begins anew', () => {
    const { host, open, write, call } = program;
    open('out.wav');
    write(4, 'old');
    write(1, 'old');
    host.begin(['flite']);
    expect([host.printed, host.output.size, call('fd_close', 4)]).toEqual(['', 0, BADF]);
  });
});
