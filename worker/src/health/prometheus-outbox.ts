import { Counter, Gauge, type Registry } from 'prom-client';
import type { OutboxStatus } from '@taleback/outbox';

const ENDS = ['delivered', 'refused', 'expired'] as const;

/** The metrics of the outbox, which is asked once per scrape. What another process knows better is absent. */
export const createOutboxMetrics = (registry: Registry, status: () => OutboxStatus) => {
  const registers = [registry];
  const depth = new Gauge({
    name: 'taleback_outbox_depth',
    help: 'Final callbacks that wait.',
    labelNames: ['sending'],
    registers,
    collect() {
      this.reset();
      const { depth: waiting } = status();
      if (waiting !== null) this.set({ sending: 'true' }, waiting);
    },
  });
  const oldestAge = new Gauge({
    name: 'taleback_outbox_oldest_age_seconds',
    help: 'Age of the oldest final callback that waits; 0 when none does.',
    labelNames: ['sending'],
    registers,
    collect() {
      this.reset();
      const { sending, oldestAge: ageMs } = status();
      if (sending) this.set({ sending: 'true' }, (ageMs ?? 0) / 1_000);
    },
  });
  const ended = new Counter({
    name: 'taleback_callbacks_total',
    help: 'Final callbacks that came to their end.',
    labelNames: ['end'],
    registers,
    collect() {
      this.reset();
      const counts = status();
      for (const end of ENDS) this.inc({ end }, counts[end]);
    },
  });
  const setAside = new Counter({
    name: 'taleback_outbox_set_aside_total',
    help: 'Files that were moved to set-aside.',
    registers,
    collect() {
      this.reset();
      this.inc(status().setAside);
    },
  });
  const bypassed = new Counter({
    name: 'taleback_outbox_bypassed_total',
    help: 'Final callbacks sent directly, because the outbox could not be written.',
    registers,
    collect() {
      this.reset();
      this.inc(status().sentWithout);
    },
  });
  return { depth, oldestAge, ended, setAside, bypassed };
};
