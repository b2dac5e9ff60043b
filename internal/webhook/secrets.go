package webhook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// VariablePrefix begins the environment variables with secrets; the name of the secret follows,
// in capitals and with _ for -.
const VariablePrefix = "TRAWL_WEBHOOK_SECRET_"

// Secrets finds secrets by their names, which jobs refer to. Names are those that
// [rules.Validate] accepts: they have no slashes. It is safe for concurrent use.
type Secrets struct {
	// Dir is a folder with a file for each secret, as container platforms mount them. A file has
	// one secret a line: the current one, and others that receivers may still have. It is
	// read for each message, so that secrets are replaced without a restart. Default none.
	Dir string
	// Lookup reads the environment. Default [os.LookupEnv].
	Lookup func(variable string) (string, bool)
}

// Find returns the secrets of a name: those in the file, or else those in the variable, which are
// separated by spaces. The error does not quote them.
func (s Secrets) Find(name string) ([]Secret, error) {
	lookup := s.Lookup
	if lookup == nil {
		lookup = os.LookupEnv
	}
	variable := VariablePrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	text, from := "", variable
	if s.Dir != "" {
		path := filepath.Join(s.Dir, name)
		content, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("secret %q: %w", name, err)
		}
		text, from = string(content), path
	}
	if strings.TrimSpace(text) == "" {
		if value, ok := lookup(variable); ok {
			text, from = value, variable
		}
	}
	var all []Secret
	for _, word := range strings.Fields(text) {
		secret, err := ParseSecret(word)
		if err != nil {
			return nil, fmt.Errorf("secret %q in %s: %w", name, from, err)
		}
		all = append(all, secret)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("secret %q is unknown to this scheduler: set %s, or put a file of that name into the folder of --webhook-secrets",
			name, variable)
	}
	return all, nil
}
