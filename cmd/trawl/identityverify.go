package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/identity"
	"github.com/trawlcrawler/trawl/internal/verify"
)

func identityVerifyCommand() *cobra.Command {
	var key string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify DIR",
		Short: "Check that sites can verify what the key signs, from the published files",
		Long: `Verify checks the directory, its headers and the card in a folder against a key, as a site would. To
check what your web site publishes, download it into a folder and name the key with --key.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := args[0]
			if key == "" {
				key = filepath.Join(dir, identity.FileKey)
			}
			id, err := identity.ReadFile(key)
			if err != nil {
				return usage("identity file: %v", err)
			}
			return report(stdout, "identity verify", identityFindings(dir, id), asJSON)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "identity file (default: "+identity.FileKey+" in the folder)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// identityFindings checks the published files in a folder against an identity.
func identityFindings(dir string, id identity.Identity) []finding {
	all := []finding{
		findingOf(identity.FileDirectory, checkDirectory(dir, id), "it lists key "+id.Key.ID(),
			"publish the "+identity.FileDirectory+" that belongs to the key (trawl identity rotate, renew)"),
		findingOf("a signed request", checkRequest(dir, id), "a site verifies it with the directory",
			"publish the "+identity.FileDirectory+" that belongs to the key"),
		headersFinding(dir, id),
		findingOf(identity.FileCard, checkCard(dir, id), "it names the agent's keys", "edit "+identity.FileCard),
	}
	return all
}

func findingOf(check string, err error, good, do string) finding {
	if err != nil {
		return finding{Check: check, State: stateWrong, Text: err.Error(), Do: do}
	}
	return finding{Check: check, State: stateGood, Text: good}
}

func checkDirectory(dir string, id identity.Identity) error {
	text, err := os.ReadFile(filepath.Join(dir, identity.FileDirectory))
	if err != nil {
		return err
	}
	d, err := identity.ParseDirectory(text)
	if err != nil {
		return err
	}
	return d.Check(id.Key)
}

// publishedKeys returns the function that gives a verifier the keys of the directory in a folder.
func publishedKeys(dir string) func(string) (verify.Keys, error) {
	return func(string) (verify.Keys, error) {
		text, err := os.ReadFile(filepath.Join(dir, identity.FileDirectory))
		if err != nil {
			return nil, err
		}
		return verify.ParseKeys(text)
	}
}

// checkRequest signs a request and verifies it with the directory.
func checkRequest(dir string, id identity.Identity) error {
	signer, err := identity.NewSigner(id, identity.FormDictionary)
	if err != nil {
		return err
	}
	h := make(http.Header)
	signer.Sign(h, "https", "site.example")
	_, err = (&verify.Verifier{Keys: publishedKeys(dir)}).Request("https", "site.example", h)
	return err
}

// soon is how long before its end a signature of a directory should be renewed.
const soon = 30 * 24 * time.Hour

// headersFinding checks the headers of the directory: their type, and a signature by each key.
func headersFinding(dir string, id identity.Identity) finding {
	f := finding{Check: identity.FileHeaders, Do: "sign them again: trawl identity renew"}
	expires, err := checkHeaders(dir, id)
	switch {
	case err != nil:
		f.State, f.Text = stateWrong, err.Error()
		return f
	case time.Until(expires) < soon:
		f.State = stateWarn
	default:
		f.State, f.Do = stateGood, ""
	}
	f.Text = "signed by each key of the directory until " + expires.UTC().Format(time.DateOnly)
	return f
}

func checkHeaders(dir string, id identity.Identity) (expires time.Time, err error) {
	h, err := identity.ReadHeaders(filepath.Join(dir, identity.FileHeaders))
	if err != nil {
		return expires, err
	}
	if got := h.Get("Content-Type"); got != identity.DirectoryType {
		return expires, fmt.Errorf("Content-Type is %q: want %q", got, identity.DirectoryType)
	}
	keys := publishedKeys(dir)
	scheme, host, _ := strings.Cut(id.Agent, "://")
	found, err := (&verify.Verifier{Keys: keys}).Directory(scheme, host, h)
	if err != nil {
		return expires, err
	}
	missing, err := keys("")
	if err != nil {
		return expires, err
	}
	for _, s := range found {
		delete(missing, s.KeyID)
		if expires.IsZero() || s.Expires.Before(expires) {
			expires = s.Expires
		}
	}
	for key := range missing {
		return expires, errors.New("key " + key + " of the directory has not signed them")
	}
	return expires, nil
}

func checkCard(dir string, id identity.Identity) error {
	text, err := os.ReadFile(filepath.Join(dir, identity.FileCard))
	if err != nil {
		return err
	}
	card, err := identity.ParseCard(text)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(card.ClientID, id.Agent+"/") {
		return fmt.Errorf("client_id is %q: want the URL of the card, at agent %q", card.ClientID, id.Agent)
	}
	return errors.Join(card.Check(card.ClientID), card.CheckAgent(id))
}
