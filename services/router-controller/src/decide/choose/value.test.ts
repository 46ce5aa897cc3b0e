/** Choosing by value: the four ways, on any targets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Choose, Entry } from '../../config/types.ts';
import type { Offer } from '../../request.ts';
import { willingnessFor } from './cost-share.ts';
import { bestOf, rankOffers, reachesFloor } from './value.ts';

const entry = (name: string): Entry => ({ name, routes: [], fallbacks: [], rank: 0, extraBody: null });
const offer = (name: string, quality: number, usd: number): Offer => ({
  entry: entry(name),
  quality,
  estimate: { inputTokens: 1, cachedTokens: 0, outputTokens: 1, usd },
  why: null,
});
const none = () => assert.fail('no share is asked for');
const first = (offers: readonly Offer[], choose: Choose) => rankOffers(offers, choose, none)[0]!;

const anyOffers = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 50 })), {
    minLength: 1,
    maxLength: 8,
  })
  // Few values, so that there are ties.
  .map((all) => all.map(([p, usd], index) => offer(`t${index}`, p / 100, usd / 1_000)));
const unit = fc.integer({ min: 0, max: 100 }).map((value) => value / 100);

describe('one target of several', () => {
  const three = [offer('small', 0.6, 0.001), offer('middle', 0.8, 0.004), offer('large', 0.9, 0.02)];
  const chosen = (by: Choose['by'], at: number) => first(three, { by, at }).entry.name;

  test('by what a good answer is worth', () => {
    assert.deepEqual(
      [0, 0.01, 0.02, 1].map((at) => chosen('willingness_usd', at)),
      ['small', 'small', 'middle', 'large'],
    );
  });
  test('by a floor of quality: the cheapest above it, else the most P', () => {
    assert.deepEqual(
      [0, 0.6, 0.61, 0.9, 0.95].map((at) => chosen('quality_floor', at)),
      ['small', 'small', 'middle', 'large', 'large'],
    );
    assert.equal(reachesFloor(three, { by: 'quality_floor', at: 0.95 }), false);
  });
  test('by regret: the cheapest that is near enough to the best', () => {
    assert.deepEqual(
      [0, 0.05, 0.11, 0.5].map((at) => chosen('regret', at)),
      ['large', 'large', 'middle', 'small'],
    );
  });
  test('equal ones: the cheaper, then the order of the policy', () => {
    const equal = [offer('b', 0.5, 0.002), offer('a', 0.5, 0.001), offer('c', 0.5, 0.001)];
    for (const by of ['willingness_usd', 'quality_floor', 'regret'] as const)
      assert.equal(first(equal, { by, at: 0 }).entry.name, 'a', by);
  });
});

describe('on any targets', () => {
  const every = (check: (offers: Offer[], at: number) => void) =>
    fc.assert(fc.property(anyOffers, unit, check));

  test('each stands in the order once', () => {
    for (const by of ['willingness_usd', 'quality_floor', 'regret'] as const)
      every((offers, at) => {
        const ranked = rankOffers(offers, { by, at }, none);
        assert.deepEqual(new Set(ranked), new Set(offers));
        assert.equal(ranked.length, offers.length);
      });
  });

  test('the first has the most P − cost/w', () => {
    every((offers, at) => {
      const { quality, estimate } = first(offers, { by: 'willingness_usd', at });
      for (const other of offers)
        assert.ok(at * quality - estimate.usd >= at * other.quality - other.estimate.usd);
    });
  });

  test('nothing that is good enough is cheaper than the first', () => {
    every((offers, at) => {
      const chosen = first(offers, { by: 'regret', at });
      const enough = bestOf(offers).quality - at;
      assert.ok(chosen.quality >= enough);
      for (const other of offers)
        assert.ok(other.quality < enough || other.estimate.usd >= chosen.estimate.usd);
    });
    every((offers, at) => {
      const choose: Choose = { by: 'quality_floor', at };
      const chosen = first(offers, choose);
      if (reachesFloor(offers, choose)) assert.ok(chosen.quality >= at);
      else assert.equal(chosen.quality, bestOf(offers).quality);
      for (const other of offers) assert.ok(other.quality < at || other.estimate.usd >= chosen.estimate.usd);
    });
  });

  test('who pays more gets no less, and spends no less', () => {
    fc.assert(
      fc.property(anyOffers, unit, unit, (offers, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((at) =>
          first(offers, { by: 'willingness_usd', at }),
        );
        assert.ok(more!.quality >= less!.quality && more!.estimate.usd >= less!.estimate.usd);
      }),
    );
  });
});

test('a share of the cost is spent, and no more of it', () => {
  const prompts = fc.array(
    fc.tuple(unit, unit, unit).map((all) => all.map((quality, at) => ({ quality, usd: 10 ** at / 1e4 }))),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(prompts, unit, (all, share) => {
      const sums = [0, 1, 2].map((at) => ({
        quality: all.reduce((sum, offers) => sum + offers[at]!.quality, 0),
        usd: all.reduce((sum, offers) => sum + offers[at]!.usd, 0),
      }));
      const always = sums.toSorted((a, b) => b.quality - a.quality || a.usd - b.usd)[0]!.usd;
      const willingness = willingnessFor(share, all);
      const spent = all.reduce((sum, offers) => {
        const ranked = rankOffers(
          offers.map(({ quality, usd }, at) => offer(`t${at}`, quality, usd)),
          { by: 'cost_share', at: share },
          () => willingness,
        );
        return sum + ranked[0]!.estimate.usd;
      }, 0);
      const cheapest = all.length / 1e4;
      assert.ok(spent <= Math.max(share * always, cheapest) + 1e-9, `${spent} of ${always}`);
    }),
  );
  // Where there is money for half of the prompts, it goes to those where it buys the most.
  const gains = Array.from({ length: 100 }, (_, i) => [
    { quality: 0.5, usd: 0.001 },
    { quality: 0.5 + i / 200, usd: 0.01 },
  ]);
  const willingness = willingnessFor(0.55, gains);
  const dear = gains.map(([small, large]) => willingness * (large!.quality - small!.quality) > 0.009);
  assert.equal(dear.filter(Boolean).length, 50);
  assert.equal(dear.indexOf(true), 50);
});
