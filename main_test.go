package trawl_test

import (
	"io"
	"log/slog"
)

// slogToNowhere logs nothing.
func slogToNowhere() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
