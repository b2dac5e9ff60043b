// Package own has functions about which facts are learnt.
package own

// Pure has no side effects.
func Pure(n int) int { return n + 1 }
