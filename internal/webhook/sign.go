package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Secret is a symmetric secret of Standard Webhooks. It prints as a placeholder.
type Secret struct{ key []byte }

// secretPrefix begins a secret; base64 of its bytes follows.
const secretPrefix = "whsec_"

// Standard Webhooks, "Signature scheme": a symmetric secret has 24 to 64 random bytes.
const (
	shortestSecret = 24
	longestSecret  = 64
)

// ParseSecret parses a secret: whsec_ and base64 of 24 to 64 bytes. The error does not quote it.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < shortestSecret || len(key) > longestSecret {
		return Secret{}, fmt.Errorf("want %s and base64 of %d to %d random bytes, as from: echo %s$(openssl rand -base64 32)",
			secretPrefix, shortestSecret, longestSecret, secretPrefix)
	}
	return Secret{key}, nil
}

// String hides the secret.
func (Secret) String() string { return secretPrefix + "…" }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// sign returns the headers of a message, without webhook-signature if there are no secrets.
// Standard Webhooks signs "id.timestamp.body", once with each secret while they are replaced.
func sign(id string, at time.Time, body []byte, secrets []Secret) map[string]string {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	headers := map[string]string{"webhook-id": id, "webhook-timestamp": timestamp}
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		mac := hmac.New(sha256.New, s.key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	if len(signatures) > 0 {
		headers["webhook-signature"] = strings.Join(signatures, " ")
	}
	return headers
}
