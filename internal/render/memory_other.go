//go:build !linux

package render

// memory returns how much memory a process and its descendants take. Here it is not known.
func memory(int) (total int64, pages map[int]int64) { return 0, nil }

// available returns how much memory this process may still take. Here it is not known.
func available() int64 { return 0 }
