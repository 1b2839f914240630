package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// What the SDK has to reach.
const (
	minTypedToPlain = 2.0
	minRawToFloor   = 0.35
	maxTypedMiB     = 32
	maxRawMiB       = 24
)

// measurePage is suite page.
func measurePage(ctx context.Context, c config) (section, error) {
	results, err := c.readPages(ctx)
	if err != nil {
		return section{}, err
	}
	return c.pageSection(results), nil
}

// readPages returns what each contender did in each round.
func (c config) readPages(ctx context.Context) (map[string][]measurement, error) {
	p, stop, err := startServer(ctx, c.records, c.gzip)
	if err != nil {
		return nil, err
	}
	defer stop()
	var picked []string
	for _, contender := range contenders {
		if c.picks(contender.name) {
			picked = append(picked, contender.name)
		}
	}
	results := map[string][]measurement{}
	for round := range c.rounds {
		for i := range picked {
			name := picked[(round+i)%len(picked)]
			c.progress("page, round %d of %d: %s", round+1, c.rounds, name)
			profile := ""
			if c.profile != "" {
				profile = filepath.Join(c.profile, name+".pprof")
			}
			m, err := startReader(ctx, name, p, c.pages, profile)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			results[name] = append(results[name], m)
		}
	}
	return results, nil
}

func (c config) pageSection(results map[string][]measurement) section {
	transfer := "Content-Length"
	if c.gzip {
		transfer = "gzip"
	}
	s := section{
		title:   "One page of Data Export",
		columns: []string{"", "MB/s", "CPU ms per page", "allocations per record", "peak RSS MiB", "× floor", "× plain"},
	}
	var size int64
	for _, contender := range contenders {
		ms, ok := results[contender.name]
		if !ok {
			continue
		}
		size = ms[0].Bytes / int64(c.pages)
		speed, memory := each(ms, measurement.speed), each(ms, measurement.peakMiB)
		s.rows = append(s.rows, []string{
			contender.title, speed.format(0), each(ms, measurement.cpuMillis).format(0),
			each(ms, measurement.allocsPerRecord).format(1), memory.format(1),
			ratio(ms, results["floor"]).format(3), ratio(ms, results["plain"]).format(2),
		})
		s.bars = append(s.bars, bar{contender.label, contender.own, speed.median, memory.median})
	}
	s.notes = []string{
		fmt.Sprintf("a page of %d records, %.1f MB, over loopback HTTP/1.1 with %s; %d pages in each process", c.records, float64(size)/1e6, transfer, c.pages),
		fmt.Sprintf("median of %d rounds (least to most)", c.rounds),
	}
	faster := ratio(results["typed"], results["plain"])
	share := ratio(results["raw"], results["floor"])
	typed, raw := each(results["typed"], measurement.peakMiB), each(results["raw"], measurement.peakMiB)
	s.targets = []target{
		{fmt.Sprintf("typed at least %g × plain", minTypedToPlain), faster, faster.median >= minTypedToPlain},
		{fmt.Sprintf("raw at least %g × floor", minRawToFloor), share, share.median >= minRawToFloor},
		{fmt.Sprintf("typed at most %d MiB", maxTypedMiB), typed, typed.most <= maxTypedMiB},
		{fmt.Sprintf("raw at most %d MiB", maxRawMiB), raw, raw.most <= maxRawMiB},
	}
	return s
}

// ratio is how many times as fast ms are as base, round by round.
func ratio(ms, base []measurement) spread {
	return against(ms, base, func(m, base measurement) float64 { return m.speed() / base.speed() })
}
