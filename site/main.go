package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", "..", "folder of the repository")
	to := flag.String("to", "../dist/site", "folder to write to; it is created, and files in it are replaced")
	flag.Parse()
	if err := build(*root, *to); err != nil {
		fmt.Fprintln(os.Stderr, "site: "+err.Error())
		os.Exit(1)
	}
}

// build renders all documents.
func build(root, to string) error {
	pages, err := load(root)
	if err != nil {
		return err
	}
	for _, p := range pages {
		html, err := render(p, pages)
		if err != nil {
			return fmt.Errorf("render %s: %w", p.source, err)
		}
		if err := write(filepath.Join(to, filepath.FromSlash(p.target)), html); err != nil {
			return err
		}
	}
	if err := copyImages(root, to); err != nil {
		return err
	}
	return write(filepath.Join(to, "style.css"), style)
}

// copyImages copies the pictures of the documents to where the pages look for them.
func copyImages(root, to string) error {
	images, err := filepath.Glob(filepath.Join(root, "docs", "img", "*.png"))
	if err != nil {
		return err
	}
	for _, image := range images {
		picture, err := os.ReadFile(image)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(to, "docs", "img", filepath.Base(image)), picture); err != nil {
			return err
		}
	}
	return nil
}

func write(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
