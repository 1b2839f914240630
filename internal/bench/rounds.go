package main

import (
	"context"
	"fmt"
	"testing"
)

// inTurns has every contender measured once in each round, in changing order, and returns the results of each.
func inTurns[C, R any](ctx context.Context, rounds int, contenders []C, measure func(C) (R, error)) ([][]R, error) {
	results := make([][]R, len(contenders))
	for round := range rounds {
		for i := range contenders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			i = (round + i) % len(contenders)
			r, err := measure(contenders[i])
			if err != nil {
				return nil, err
			}
			results[i] = append(results[i], r)
		}
	}
	return results, nil
}

// each is a figure over the rounds.
func each[R any](results []R, figure func(R) float64) spread {
	var figures []float64
	for _, r := range results {
		figures = append(figures, figure(r))
	}
	return newSpread(figures)
}

// against is a figure of two contenders over the rounds, each beside the other one of its round.
func against[R any](results, base []R, figure func(r, base R) float64) spread {
	var figures []float64
	for i := range min(len(results), len(base)) {
		figures = append(figures, figure(results[i], base[i]))
	}
	return newSpread(figures)
}

// measured writes a figure of which 0 is one that was measured, where format writes that it is not known.
func (s spread) measured(digits int) string {
	if s.least == s.most {
		return fmt.Sprintf("%.*f", digits, s.median)
	}
	return fmt.Sprintf("%.*f (%.*f–%.*f)", digits, s.median, digits, s.least, digits, s.most)
}

// count writes a whole number that was measured.
func (s spread) count() string { return s.measured(0) }

// benchmark is a testing.Benchmark of an operation that can fail. It is done once before, to warm up.
func benchmark(operation func() error) (testing.BenchmarkResult, error) {
	err := operation()
	if err != nil {
		return testing.BenchmarkResult{}, err
	}
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err = operation(); err != nil {
				b.FailNow()
			}
		}
	})
	return result, err
}

func nanoseconds(r testing.BenchmarkResult) float64  { return float64(r.T) / float64(r.N) }
func microseconds(r testing.BenchmarkResult) float64 { return nanoseconds(r) / 1e3 }
func allocations(r testing.BenchmarkResult) float64  { return float64(r.MemAllocs) / float64(r.N) }
func allocated(r testing.BenchmarkResult) float64    { return float64(r.MemBytes) / float64(r.N) }
