package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// profiler records where the command spends time and memory, for go tool pprof.
type profiler struct {
	folder string // "" for no profiles
	cpu    *os.File
}

const (
	mutexEvery = 10     // one in this many waits for a mutex is recorded
	blockedFor = 10_000 // in ns: all waits at least this long are recorded, shorter ones are sampled
)

// start starts profiling, before the command runs.
func (p *profiler) start() error {
	if p.folder == "" {
		p.folder = os.Getenv("TRAWL_PROFILE")
	}
	if p.folder == "" {
		return nil
	}
	err := os.MkdirAll(p.folder, 0o777)
	if err == nil {
		p.cpu, err = os.Create(filepath.Join(p.folder, "cpu.pprof"))
	}
	if err != nil {
		return usage("--profile %q: %v: name a writable folder", p.folder, err)
	}
	runtime.SetMutexProfileFraction(mutexEvery)
	runtime.SetBlockProfileRate(blockedFor)
	return pprof.StartCPUProfile(p.cpu)
}

// stop writes the profiles, after the command has ended.
func (p *profiler) stop() error {
	if p.cpu == nil {
		return nil
	}
	pprof.StopCPUProfile()
	errs := []error{p.cpu.Close()}
	for _, name := range []string{"allocs", "mutex", "block"} {
		errs = append(errs, p.write(name))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	return nil
}

func (p *profiler) write(name string) error {
	file, err := os.Create(filepath.Join(p.folder, name+".pprof"))
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup(name).WriteTo(file, 0), file.Close())
}
