package main

import (
	"fmt"
	"runtime/debug"
)

// Exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNothing     = 3
	exitInterrupted = 130
)

const exitHelp = `Exit statuses:
  0    done
  1    failed
  2    usage: a flag, setting, seed or file can not be used
  3    nothing could be fetched
  130  interrupted; the same command goes on where it stopped`

// exitError is an error that decides the exit status.
type exitError struct {
	code    int
	message string // "" when all was said
}

func (e *exitError) Error() string { return e.message }

// usage is what the user can mend in the command.
func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

// failed is what went wrong while it ran.
func failed(format string, args ...any) error {
	return &exitError{exitFailed, fmt.Sprintf(format, args...)}
}

// version is the module's version, as the go command stamps it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
