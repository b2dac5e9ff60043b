package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// settingError returns an error about the setting at a path. The arguments format its
// reason.
func settingError(path, format string, args ...any) *crawler.SettingError {
	return &crawler.SettingError{Path: path, Reason: fmt.Sprintf(format, args...)}
}

// SettingAt returns the path of a key within the setting at another path.
func SettingAt(path, key string) string {
	if strings.ContainsAny(key, ".[]' ") {
		key = "'" + strings.ReplaceAll(key, "'", `\'`) + "'"
	}
	return path + "." + key
}

// compilePattern compiles an optional regular expression. For "" it returns nil, which
// stands for a pattern that matches everything.
func compilePattern(at, pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, settingError(at, "%q is not a regular expression: %v", pattern, err)
	}
	return re, nil
}

func checkPattern(at, pattern string) error {
	_, err := compilePattern(at, pattern)
	return err
}
