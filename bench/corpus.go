package main

import (
	"errors"
	"os"
	"path/filepath"
)

// corpus is a manual that Debian packages: a site that nobody made for crawlers.
type corpus struct {
	name string // the package that it is in
	glob string // its folder
}

var corpora = []corpus{
	{"postgresql-doc-15", "/usr/share/doc/postgresql-doc-15/html"},
	{"python3-doc", "/usr/share/doc/python3*-doc/html"},
	{"openjdk-17-doc", "/usr/share/doc/openjdk-17-doc/api"},
}

// dir returns the folder of the corpus, or "" where the package is not
// installed.
func (c corpus) dir() string {
	found, _ := filepath.Glob(c.glob)
	for _, dir := range found {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(real, "index.html")); err == nil {
			return real
		}
	}
	return ""
}

// ready says why the corpus cannot be crawled; nil when it can.
func (c corpus) ready() error {
	if c.dir() == "" {
		return errors.New("it is not installed")
	}
	return nil
}
