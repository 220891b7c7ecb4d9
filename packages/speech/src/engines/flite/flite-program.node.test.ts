import { beforeEach, describe, expect, test } from 'vitest';
import { FliteProgram, wasm } from './flite-program.node.ts';

/**
 * A program that prints two digits: how often this instance ran, kept in a global, and how often this memory was
 * used, kept in the memory (plus the same count for a second page, if there is one). What else it does depends on how many arguments it has:
 *
 * (global $runs (mut i32) (i32.const 48))  (data (i32.const 1) "0")
 * (func (export "_start")
 *   (global.set $runs (i32.add (global.get $runs) (i32.const 1)))
 *   (i32.store8 (i32.const 0) (global.get $runs))
 *   (i32.store8 (i32.const 1) (i32.add (i32.load8_u (i32.const 1)) (i32.const 1)))
 *   (if (i32.gt_u (memory.size) (i32.const 1)) (then
 *     (i32.store8 (i32.const 65536) (i32.add (i32.load8_u (i32.const 65536)) (i32.const 1)))
 *     (i32.store8 (i32.const 1) (i32.add (i32.load8_u (i32.const 1)) (i32.load8_u (i32.const 65536))))))
 *   (; fd_write of the two bytes to 1, then args_sizes_get ;)
 *   2: (call $proc_exit (i32.const 3))   3: (unreachable)
 *   4: (memory.grow (i32.const 1600))    5: (call $proc_exit (i32.const 0))
 *   6: (memory.grow (i32.const 1)))
 */
const COUNTING_PROGRAM = [
  'AGFzbQEAAAABFgRgAn9/AX9gBH9/f38Bf2ABfwBgAAACbgMWd2FzaV9zbmFwc2hvdF9wcmV2aWV3MQ5hcmdzX3NpemVzX2dl',
  'dAAAFndhc2lfc25hcHNob3RfcHJldmlldzEIZmRfd3JpdGUAARZ3YXNpX3NuYXBzaG90X3ByZXZpZXcxCXByb2NfZXhpdAAC',
  'AwIBAwUDAQABBgYBfwFBMAsHEwIGbWVtb3J5AgAGX3N0YXJ0AAMKtgEBswEAIwBBAWokAEEAIwA6AABBAUEBLQAAQQFqOgAA',
  'PwBBAUsEQEGAgARBgIAELQAAQQFqOgAAQQFBAS0AAEGAgAQtAABqOgAAC0EIQQA2AgBBDEECNgIAQQFBCEEBQRAQARpBFEEY',
  'EAAaQRQoAgBBAkYEQEEDEAILQRQoAgBBA0YEQAALQRQoAgBBBEYEQEHADEAAGgtBFCgCAEEFRgRAQQAQAgtBFCgCAEEGRgRA',
  'QQFAABoLCwsHAQBBAQsBMA==',
].join('');

const RETURN: string[] = [];
const EXIT_3 = ['a'];
const TRAP = ['a', 'b'];
const GROW = ['a', 'b', 'c'];
const EXIT_0 = ['a', 'b', 'c', 'd'];
const GROW_A_LITTLE = ['a', 'b', 'c', 'd', 'e'];

let program: FliteProgram;
beforeEach(async () => {
  program = new FliteProgram(await wasm.compile(Buffer.from(COUNTING_PROGRAM, 'base64')));
});

/** Of the same instance and of the same memory: which run is this? */
const runOf = (args: readonly string[]): string => program.run(args).printed;

describe('FliteProgram', () => {
  test('runs one instance again and again, each time with fresh memory', () => {
    expect([runOf(RETURN), runOf(RETURN), runOf(RETURN)]).toEqual(['11', '21', '31']);
  });

  test('empties what the memory has grown by', () => {
    expect([GROW_A_LITTLE, RETURN, RETURN].map(runOf)).toEqual(['11', '22', '32']);
  });

  test.each([
    ['an exit', EXIT_3],
    ['a trap', TRAP],
    ['an exit without a fault, since its stack is not unwound either', EXIT_0],
    ['much growth of its memory', GROW],
  ])('takes a new instance after %s', (_name, args) => {
    expect([runOf(RETURN), runOf(args), runOf(RETURN)]).toEqual(['11', '21', '11']);
  });

  test('says how the run ended', () => {
    expect(program.run(RETURN).end).toEqual({ kind: 'returned' });
    expect(program.run(EXIT_3).end).toEqual({ kind: 'exited', exitCode: 3 });
    expect(program.run(EXIT_0).end).toEqual({ kind: 'exited', exitCode: 0 });
    expect(program.run(TRAP).end).toEqual({ kind: 'trapped', reason: 'unreachable' });
  });

  test('gives no output where none was written', () => {
    expect(program.run(RETURN).output).toHaveLength(0);
  });
});
