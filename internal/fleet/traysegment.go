package fleet

import (
	"context"
	"errors"
	"io/fs"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/crawler/spool"
)

// traySegment is a segment whose files are in a tray of the spool, with sinks of its
// own. It implements [Segment].
type traySegment struct {
	tray    *spool.Tray
	sink    spool.Keeper // the output, behind the guard of the tray
	output  sink.Sink
	journal *sink.Journal // nil for none
}

// Name is that of the tray's writer.
func (s *traySegment) Name() string { return s.tray.Writer }

// Keep keeps results.
func (s *traySegment) Keep(ctx context.Context, results []*crawler.Result) error {
	return s.sink.Keep(ctx, results)
}

// Note writes requests into the journal.
func (s *traySegment) Note(ctx context.Context, requests []crawler.Exchange) error {
	return s.journal.Note(ctx, requests)
}

// Bodies reports whether the sinks read the bodies of pages.
func (s *traySegment) Bodies() bool { return s.sink.Bodies() }

// Broken reports whether the folder is gone, or a sink or the journal has failed for good.
func (s *traySegment) Broken(err error) bool {
	broken := errors.Is(err, fs.ErrNotExist) || sink.Broken(s.output) != nil
	return broken || s.journal != nil && s.journal.Broken() != nil
}

// Finish ends the files, and lets them be shipped.
func (s *traySegment) Finish() error {
	err := s.sink.Close()
	if s.journal != nil {
		err = errors.Join(err, s.journal.Close())
	}
	s.tray.Close()
	return err
}
