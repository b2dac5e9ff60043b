package dashboard

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
)

var (
	inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	inlineStyle  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
)

// sourcesOf returns the hashes of the inline elements of a page, as sources for a
// Content-Security-Policy (CSP Level 3, 2.3.1), each after a space.
func sourcesOf(page []byte, element *regexp.Regexp) string {
	var sources string
	for _, match := range element.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(match[1])
		sources += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return sources
}
