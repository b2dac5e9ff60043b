package output

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// memDriver creates buckets in the memory of this process: mem://.
type memDriver struct{}

// Advice says how to name such a bucket.
func (memDriver) Advice() string { return "write mem:// alone" }

// Open creates an empty bucket.
func (memDriver) Open(_ context.Context, _ string, options url.Values) (Bucket, error) {
	if err := OnlyOptions(options); err != nil {
		return nil, err
	}
	return &memory{objects: make(map[string]remembered)}, nil
}

// memory is a bucket in memory.
type memory struct {
	mu      sync.RWMutex
	objects map[string]remembered
}

// remembered is an object in memory. Its content never changes.
type remembered struct {
	Object
	content []byte
}

// List yields the keys that exist when it is called.
func (m *memory) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var keys []string
	for key := range m.objects {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			first, _, deeper := strings.Cut(rest, "/")
			if deeper {
				first += "/"
			}
			keys = append(keys, prefix+first)
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return func(yield func(string, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

func (m *memory) object(key string) (remembered, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	o, ok := m.objects[key]
	if !ok {
		return o, fs.ErrNotExist
	}
	return o, nil
}

// Stat describes an object.
func (m *memory) Stat(_ context.Context, key string) (Object, error) {
	o, err := m.object(key)
	return o.Object, err
}

// Read opens a part of an object.
func (m *memory) Read(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	o, err := m.object(key)
	if err != nil {
		return nil, err
	}
	if length < 0 {
		length = max(o.Size-offset, 0)
	}
	return io.NopCloser(io.NewSectionReader(bytes.NewReader(o.content), offset, length)), nil
}

// Write stores an object once all its bytes are read.
func (m *memory) Write(ctx context.Context, key string, content io.ReadSeeker, o Object) error {
	text, err := io.ReadAll(content)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	if int64(len(text)) != o.Size {
		return fmt.Errorf("got %d of %d bytes", len(text), o.Size)
	}
	sum := md5.Sum(text)
	o.MD5 = sum[:]
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = remembered{o, text}
	return nil
}

// Delete removes an object.
func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[key]; !ok {
		return fs.ErrNotExist
	}
	delete(m.objects, key)
	return nil
}

// Close does nothing, so readers can finish.
func (m *memory) Close() error { return nil }
