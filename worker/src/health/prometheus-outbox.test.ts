import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import type { OutboxStatus } from '@taleback/outbox';
import { createOutboxMetrics } from './prometheus-outbox.ts';

const idle: OutboxStatus = {
  sending: true,
  depth: 0,
  oldestAge: null,
  delivered: 0,
  refused: 0,
  expired: 0,
  setAside: 0,
  sentWithout: 0,
};

it('tells what waits and what became of the rest, anew for each scrape', async () => {
  const registry = new Registry();
  let status = idle;
  createOutboxMetrics(registry, () => status);
  const samples = async (): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(await samples()).toEqual([
    'taleback_outbox_depth{sending="true"} 0',
    'taleback_outbox_oldest_age_seconds{sending="true"} 0',
    'taleback_callbacks_total{end="delivered"} 0',
    'taleback_callbacks_total{end="refused"} 0',
    'taleback_callbacks_total{end="expired"} 0',
    'taleback_outbox_set_aside_total 0',
    'taleback_outbox_bypassed_total 0',
  ]);
  status = {
    sending: true,
    depth: 3,
    oldestAge: 1_500,
    delivered: 4,
    refused: 5,
    expired: 6,
    setAside: 7,
    sentWithout: 8,
  };
  await samples();
  expect((await samples()).map((line) => line.split(' ')[1])).toEqual(['3', '1.5', '4', '5', '6', '7', '8']);
  status = { ...idle, sending: false, depth: null };
  expect((await samples()).filter((line) => /depth|oldest/.test(line))).toEqual([]);
});
