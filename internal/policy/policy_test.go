// Package policy holds what the project demands of itself as a whole: which package may
// import which, the licences of what the binary links, known vulnerabilities, and that
// the documents name files that exist. It consists of tests.
package policy

import (
	"fmt"
	"os"
	"testing"
)

// TestMain runs the tests in the root folder of the module.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
