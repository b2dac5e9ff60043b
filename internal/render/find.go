package render

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
)

// names are those under which Chromium and its kin are installed, the plainest first.
var names = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
	"chrome-headless-shell", "headless-shell",
}

// bundles are where macOS keeps them.
var bundles = []string{
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

// Find returns the path of a browser: of the named one, or, with "", of a Chromium on PATH. The
// address of a remote one is returned as it is. The error is ErrNoBrowser, and says what was
// looked for.
func Find(browser string) (string, error) {
	if remote(browser) {
		return browser, nil
	}
	if browser != "" {
		path, err := exec.LookPath(browser)
		if err != nil {
			return "", fmt.Errorf("%w at %q: %w; name a Chromium's path, or the address of a remote one (ws://…)",
				ErrNoBrowser, browser, err)
		}
		return path, nil
	}
	looked := names
	if runtime.GOOS == "darwin" {
		looked = append(looked[:len(looked):len(looked)], bundles...)
	}
	for _, name := range looked {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: PATH has none of %s; install Chromium, name its path, or the address of a remote one (ws://…)",
		ErrNoBrowser, strings.Join(looked, ", "))
}
