// Package planted has mistakes that only facts about other packages show.
package planted

import (
	"io/ioutil"
	"strings"

	"github.com/trawlcrawler/trawl/internal/test/lint/testdata/planted/own"
	"gopkg.in/ini.v1"
)

// Mistakes has a mistake in each line.
func Mistakes(text string) {
	strings.TrimSpace(text)
	own.Pure(1)
	strings.NewReplacer("a")
	ioutil.ReadFile(text)
	ini.Empty().Section("").Haskey(text)
}

func unused() {}
