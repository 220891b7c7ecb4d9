import { ProgramMemory } from './program-memory.ts';
import { VirtualFile } from './virtual-file.ts';
import type { WasmImports, WasmMemory } from './web-assembly.ts';

/** Error numbers, file types and `whence` of WASI preview1. @see https://github.com/WebAssembly/WASI/tree/wasi-0.1 */
const ERRNO = { success: 0, badf: 8, inval: 28, noent: 44, nospc: 51, spipe: 70, notcapable: 76 } as const;
const FILE_TYPE = { characterDevice: 2, directory: 3, regularFile: 4 } as const;
const WHENCE_SET = 0;
const WHENCE_CUR = 1;
const WHENCE_END = 2;
const OFLAGS_TRUNC = 8;

const STDERR = 2;
const ROOT_FD = 3;
const FILE_FD = 4;
const ROOT_NAME = '/';

/** The only file there is. */
export const OUTPUT_NAME = 'out.wav';
/** 64 MiB is half an hour at 16 kHz, many times the longest chunk. */
const MAX_OUTPUT_BYTES = 64 * 2 ** 20;
/** What the program prints is only a hint for an operator. */
const MAX_PRINTED_CHARS = 2000;

/** Thrown through the program's frames when it asks to end. */
export class WasiExit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/**
 * The part of WASI preview1 that flite imports, all in memory: arguments, a frozen clock, what it prints, and one
 * output file. Nothing of the machine can be reached. Node's own `node:wasi` is not used because it crashes the
 * process after some dozen calls (nodejs/node#52402).
 */
export class WasiHost {
  readonly output = new VirtualFile(MAX_OUTPUT_BYTES);
  readonly #memory = new ProgramMemory();
  #args: Uint8Array[] = [];
  #printed = '';
  #isOutputOpen = false;

  /** Given once, after instantiation. */
  attach(memory: WasmMemory): void {
    this.#memory.attach(memory);
  }

  /** Makes ready for one run of the program. */
  begin(args: readonly string[]): void {
    this.#args = args.map((arg) => new TextEncoder().encode(`${arg}\0`));
    this.#printed = '';
    this.#isOutputOpen = false;
    this.output.truncate();
  }

  get printed(): string {
    return this.#printed;
  }

  /** The import object's `wasi_snapshot_preview1`. */
  imports(): WasmImports[string] {
    return {
      args_sizes_get: (countAt: number, sizeAt: number) => {
        this.#memory.view.setUint32(countAt, this.#args.length, true);
        this.#memory.view.setUint32(
          sizeAt,
          this.#args.reduce((sum, arg) => sum + arg.length, 0),
          true,
        );
        return ERRNO.success;
      },
      args_get: (pointersAt: number, bytesAt: number) => {
        let at = bytesAt;
        for (const [index, arg] of this.#args.entries()) {
          this.#memory.view.setUint32(pointersAt + index * 4, at, true);
          this.#memory.bytes(at, arg.length).set(arg);
          at += arg.length;
        }
        return ERRNO.success;
      },
      // Frozen, so that the same text gives the same sound.
      clock_time_get: (_clock: number, _precision: bigint, timeAt: number) => {
        this.#memory.view.setBigUint64(timeAt, 0n, true);
        return ERRNO.success;
      },
      fd_prestat_get: (fd: number, statAt: number) => {
        if (fd !== ROOT_FD) return ERRNO.badf;
        this.#memory.view.setUint32(statAt, 0, true);
        this.#memory.view.setUint32(statAt + 4, ROOT_NAME.length, true);
        return ERRNO.success;
      },
      fd_prestat_dir_name: (fd: number, nameAt: number, length: number) => {
        if (fd !== ROOT_FD) return ERRNO.badf;
        if (length < ROOT_NAME.length) return ERRNO.inval;
        this.#memory.bytes(nameAt, ROOT_NAME.length).set(new TextEncoder().encode(ROOT_NAME));
        return ERRNO.success;
      },
      path_open: (
        fd: number,
        _lookup: number,
        pathAt: number,
        pathLength: number,
        openFlags: number,
        _rights: bigint,
        _inheriting: bigint,
        _fdFlags: number,
        openedAt: number,
      ) => {
        if (fd !== ROOT_FD) return ERRNO.badf;
        if (new TextDecoder().decode(this.#memory.bytes(pathAt, pathLength)) !== OUTPUT_NAME)
          return ERRNO.noent;
        if (this.#isOutputOpen) return ERRNO.notcapable;
        if ((openFlags & OFLAGS_TRUNC) !== 0) this.output.truncate();
        this.#isOutputOpen = true;
        this.output.seek(0);
        this.#memory.view.setUint32(openedAt, FILE_FD, true);
        return ERRNO.success;
      },
      fd_fdstat_get: (fd: number, statAt: number) => {
        const fileType = this.#fileTypeOf(fd);
        if (fileType === undefined) return ERRNO.badf;
        this.#memory.bytes(statAt, 24).fill(0);
        this.#memory.view.setUint8(statAt, fileType);
        this.#memory.view.setBigUint64(statAt + 8, 0xffff_ffff_ffff_ffffn, true);
        this.#memory.view.setBigUint64(statAt + 16, 0xffff_ffff_ffff_ffffn, true);
        return ERRNO.success;
      },
      fd_fdstat_set_flags: (fd: number) => (this.#fileTypeOf(fd) === undefined ? ERRNO.badf : ERRNO.success),
      fd_close: (fd: number) => {
        if (this.#fileTypeOf(fd) === undefined) return ERRNO.badf;
        if (fd === FILE_FD) this.#isOutputOpen = false;
        return ERRNO.success;
      },
      fd_read: (fd: number, vectorsAt: number, vectorCount: number, readAt: number) => {
        if (fd === ROOT_FD || this.#fileTypeOf(fd) === undefined) return ERRNO.badf;
        let read = 0;
        for (const part of this.#memory.vectors(vectorsAt, vectorCount)) {
          if (fd === FILE_FD) read += this.output.read(part);
        }
        this.#memory.view.setUint32(readAt, read, true);
        return ERRNO.success;
      },
      fd_write: (fd: number, vectorsAt: number, vectorCount: number, writtenAt: number) => {
        if (fd === ROOT_FD || this.#fileTypeOf(fd) === undefined) return ERRNO.badf;
        let written = 0;
        for (const part of this.#memory.vectors(vectorsAt, vectorCount)) {
          if (fd === FILE_FD && !this.output.write(part)) return ERRNO.nospc;
          if (fd <= STDERR) this.#print(part);
          written += part.length;
        }
        this.#memory.view.setUint32(writtenAt, written, true);
        return ERRNO.success;
      },
      fd_seek: (fd: number, offset: bigint, whence: number, positionAt: number) => {
        if (fd !== FILE_FD || !this.#isOutputOpen) {
          return this.#fileTypeOf(fd) === undefined ? ERRNO.badf : ERRNO.spipe;
        }
        const bases: Record<number, number> = {
          [WHENCE_SET]: 0,
          [WHENCE_CUR]: this.output.position,
          [WHENCE_END]: this.output.size,
        };
        const base = bases[whence];
        if (base === undefined || !this.output.seek(base + Number(offset))) return ERRNO.inval;
        this.#memory.view.setBigUint64(positionAt, BigInt(this.output.position), true);
        return ERRNO.success;
      },
      proc_exit: (exitCode: number) => {
        throw new WasiExit(exitCode);
      },
    };
  }

  #fileTypeOf(fd: number): number | undefined {
    if (fd >= 0 && fd <= STDERR) return FILE_TYPE.characterDevice;
    if (fd === ROOT_FD) return FILE_TYPE.directory;
    return fd === FILE_FD && this.#isOutputOpen ? FILE_TYPE.regularFile : undefined;
  }

  #print(part: Uint8Array): void {
    if (this.#printed.length >= MAX_PRINTED_CHARS) return;
    this.#printed = (this.#printed + new TextDecoder().decode(part)).slice(0, MAX_PRINTED_CHARS);
  }
}
