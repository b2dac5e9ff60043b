//go:build !linux

package htmltree

import "time"

var began = time.Now()

// threadTime returns wall-clock time, because other systems do not report the time of a
// thread.
func threadTime() time.Duration { return time.Since(began) }
