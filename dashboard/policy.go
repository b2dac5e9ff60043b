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

// sourcesOf lists the inline elements of a page by their hashes, as a
// Content-Security-Policy names them (CSP Level 3, 2.3.1), each after a space.
func sourcesOf(page []byte, element *regexp.Regexp) string {
	var sources string
	for _, match := range element.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(match[1])
		sources += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return sources
}
