package main

import (
	"fmt"
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
  2    usage: a flag, setting, seed or file cannot be used
  3    nothing could be fetched
  130  interrupted; the same command resumes the crawl`

// exitError is an error that decides the exit status.
type exitError struct {
	code    int
	message string // "" if everything has been printed already
}

func (e *exitError) Error() string { return e.message }

// usage returns an error that the user can fix by changing the command.
func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

// failed returns an error for something that went wrong while the command ran.
func failed(format string, args ...any) error {
	return &exitError{exitFailed, fmt.Sprintf(format, args...)}
}
