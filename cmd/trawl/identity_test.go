package main_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// identityCommand are the arguments of trawl identity.
type identityCommand []string

// run runs the command and checks its exit status, and that what it prints contains some texts.
func (c identityCommand) run(s *shell, status int, saying ...string) commandResult {
	s.t.Helper()
	end := s.run(append([]string{"identity"}, c...)...).exits(status)
	for _, text := range saying {
		if !strings.Contains(end.stdout+end.stderr, text) {
			s.t.Errorf("trawl identity %s does not print %q, but\n%s%s", strings.Join(c, " "), text, end.stdout, end.stderr)
		}
	}
	return end
}

// shownIdentity is what trawl identity show prints as JSON.
type shownIdentity struct{ Key, Previous string }

func showIdentity(s *shell) (shown shownIdentity) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(identityCommand{"show", "bot", "--json"}.run(s, done).stdout), &shown); err != nil {
		s.t.Fatal(err)
	}
	return shown
}

func TestAnIdentityIsCreatedRotatedAndVerified(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	identityCommand{"new", "--agent", "https://Bot.example", "--out", "bot", "--contact", "ops@bot.example"}.run(s, done,
		"of agent https://bot.example", "bot/directory.json  at https://bot.example/.well-known/http-message-signatures-directory")
	identityCommand{"verify", "bot"}.run(s, done, "ok       directory.json", "ok       directory.headers",
		"ok       card.json")
	first := showIdentity(s)
	old, err := os.ReadFile(s.path("bot/key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("old.pem", string(old))

	identityCommand{"rotate", "bot"}.run(s, done, "lists key "+first.Key+" as well")
	second := showIdentity(s)
	if second.Previous != first.Key || second.Key == first.Key {
		t.Errorf("after the rotation the keys are %+v, want %s to be the previous one", second, first.Key)
	}
	identityCommand{"verify", "bot"}.run(s, done)
	identityCommand{"verify", "bot", "--key", "old.pem"}.run(s, done) // workers that have the old key
	identityCommand{"rotate", "bot"}.run(s, usage, "key "+first.Key+" of the last rotation", "--drop")
	identityCommand{"rotate", "--drop", "bot"}.run(s, done, "Dropped key "+first.Key)
	identityCommand{"rotate", "--drop", "bot"}.run(s, usage, "rotate first")
	identityCommand{"verify", "bot", "--key", "old.pem"}.run(s, failed, "does not list key "+first.Key, "unknown key")
	identityCommand{"renew", "bot"}.run(s, done)
	identityCommand{"verify", "bot"}.run(s, done)
	for _, command := range []string{"show", "verify"} {
		end := identityCommand{command, "bot"}.run(s, done)
		if strings.Contains(end.stdout+end.stderr, "PRIVATE") {
			t.Errorf("identity %s prints the key", command)
		}
	}
}

func TestEachMismatchOfPublishedFilesHasItsReason(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	identityCommand{"new", "--agent", "https://bot.example", "--out", "bot"}.run(s, done)
	for _, test := range []struct{ file, from, to, want string }{
		{"card.json", `"client_id": "https://bot.example`, `"client_id": "https://other.example`, "client_id is"},
		{"card.json", `"jwks_uri": "https://bot.example`, `"jwks_uri": "https://other.example`, "jwks_uri of the card is"},
		{"card.json", `{`, `[`, "not a card"},
		{"directory.json", `"kid": "`, `"kid": "x`, "set its kid to its thumbprint"},
		{"directory.json", `"keys"`, `"key"`, "at least one key"},
		{"directory.headers", `application/http-message-signatures-directory+json`, `application/json`, "Content-Type is"},
		{"directory.headers", `created=1`, `created=2`, "created at"},
		{"directory.headers", `expires=1`, `expires=2`, "did not sign this message"},
	} {
		path := s.path("bot/" + test.file)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s.write("bot/"+test.file, strings.Replace(string(good), test.from, test.to, 1))
		identityCommand{"verify", "bot"}.run(s, failed, "wrong", test.want)
		s.write("bot/"+test.file, string(good))
	}
	identityCommand{"verify", "bot"}.run(s, done)
}

func TestErrorsOfIdentityCommandsSayWhatToDo(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.write("other.pem", "nothing")
	identityCommand{"new", "--out", "bot"}.run(s, usage, "--agent https://bot.example --out bot")
	identityCommand{"new", "--agent", "bot", "--out", "bot"}.run(s, usage, `agent "bot"`, "https://bot.example")
	identityCommand{"new", "--agent", "https://bot.example", "--out", "bot", "--contact", "x"}.run(s, usage,
		`contact: "x"`)
	identityCommand{"new", "--agent", "https://bot.example", "--out", "bot", "--user-agent", "1"}.run(s, usage,
		`user-agent: "1"`)
	identityCommand{"show", "bot"}.run(s, usage, "trawl identity new")
	identityCommand{"verify", "bot", "--key", "other.pem"}.run(s, usage, "other.pem: no private key")
	identityCommand{"new", "--agent", "https://bot.example", "--out", "bot"}.run(s, done)
	identityCommand{"new", "--agent", "https://bot.example", "--out", "bot"}.run(s, usage, "not replaced", "rotate")
}
