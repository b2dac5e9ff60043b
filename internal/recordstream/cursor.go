package recordstream

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// cursor says which records of a job were read.
type cursor struct {
	// Job is when the job was created, in unix milliseconds: it distinguishes jobs of the
	// same name.
	Job int64 `json:"j"`
	// Places has the progress in each place, by the digest of its name.
	Places map[string]*progress `json:"p,omitempty"`
}

// Bounds of cursors, in bytes. One for 200 writers takes some 6,000.
const (
	maxCursor = 48 << 10 // as text
	maxForm   = 1 << 20  // decompressed
)

// errForm says that a text is not a cursor, or not all of one.
var errForm = errors.New("it was cut or changed, or is not a cursor")

// cursorForm begins the text of a cursor, and changes when its form does.
const cursorForm = "1."

// parseCursor parses the cursor of a job. "" is the beginning.
func parseCursor(text string, job crawler.Status) (*cursor, error) {
	created := job.Created.UnixMilli()
	c := &cursor{Job: created}
	if text == "" {
		return c, nil
	}
	if err := c.parse(text); err != nil {
		return nil, fmt.Errorf("%w: %q: %w: send one that a response had, or none to begin", queue.ErrCursor, brief(text), err)
	}
	if c.Job != created {
		return nil, fmt.Errorf("%w: %q belongs to an earlier job %s: read the records again from the beginning",
			queue.ErrCursor, brief(text), job.Job.Name)
	}
	return c, nil
}

func (c *cursor) parse(text string) error {
	form, ok := strings.CutPrefix(text, cursorForm)
	if !ok || len(text) > maxCursor {
		return errForm
	}
	packed, err := base64.RawURLEncoding.DecodeString(form)
	if err != nil {
		return errForm
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxForm))
	if err != nil || json.Unmarshal(plain, c) != nil {
		return errForm
	}
	for _, p := range c.Places {
		if p == nil {
			return errForm
		}
		for _, at := range p.Open {
			if at.Batch < 0 || at.Skip < 0 {
				return errForm
			}
		}
	}
	return nil
}

// brief shortens a text that an error quotes.
func brief(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}

// at returns the progress in a place.
func (c *cursor) at(key string) *progress {
	if c.Places == nil {
		c.Places = make(map[string]*progress)
	}
	if c.Places[key] == nil {
		c.Places[key] = new(progress)
	}
	return c.Places[key]
}

// text returns the cursor as text of letters, digits, dots, dashes and underscores.
func (c *cursor) text() string {
	for _, p := range c.Places {
		p.fold()
	}
	plain, _ := json.Marshal(c) // cannot fail: it has only strings and numbers
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestCompression) // the level is valid
	_, _ = w.Write(plain)                                   // a buffer never fails
	_ = w.Close()
	return cursorForm + base64.RawURLEncoding.EncodeToString(packed.Bytes())
}

// digestOf returns eight characters that identify a text among few.
func digestOf(text string) string {
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, text) // a hash never fails
	return strconv.FormatUint(sum.Sum64(), 36)
}
