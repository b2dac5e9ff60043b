package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"net/url"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/identity"
)

// identityCommand returns the command that manages the identity with which a crawler signs its
// requests.
func identityCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "identity",
		Short: "Create, check and rotate the key with which requests are signed",
		Long: `Identity manages a folder with the key that proves to sites who crawls them (Web Bot Auth), and
the files that your web site publishes about it. See docs/identity.md.

` + exitHelp,
		RunE: noSubcommand,
	}
	cmd.AddCommand(identityNewCommand(), identityShowCommand(), identityVerifyCommand(), identityRotateCommand(),
		identityRenewCommand(), identityAddressesCommand())
	return cmd
}

func identityNewCommand() *cobra.Command {
	var agent, out, name string
	var contacts []string
	userAgent := crawler.DefaultJob().UserAgent
	cmd := &cobra.Command{
		Use:   "new --agent URL --out DIR",
		Short: "Create a key and the files that your web site publishes",
		Long: `New creates a folder with a key (` + identity.FileKey + `, a secret), and the files that your web site publishes:
the directory of its keys (` + identity.FileDirectory + `), the headers to serve it with (` + identity.FileHeaders + `),
and a card that says who operates the crawler (` + identity.FileCard + `), which you may edit.
Existing files are not replaced.`,
		Example: `  trawl identity new --agent https://bot.example --out bot --contact ops@bot.example`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if agent == "" || out == "" {
				return usage("identity new: name your web site and a folder: --agent https://bot.example --out bot")
			}
			card, err := newCard(name, userAgent, contacts)
			if err != nil {
				return err
			}
			return createIdentity(agent, identity.Folder(out), card)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&agent, "agent", "", "web site that publishes the key, such as https://bot.example")
	flags.StringVar(&out, "out", "", "folder to create")
	flags.StringVar(&name, "name", "", "name of the crawler on its card (default: its name in robots.txt)")
	flags.StringVar(&userAgent, "user-agent", userAgent, "User-Agent of your crawls, for the card")
	flags.StringSliceVar(&contacts, "contact", nil,
		"address to reach you, for the card: ops@bot.example or a URL; may be repeated")
	return cmd
}

// newCard returns a card for a crawler.
func newCard(name, userAgent string, contacts []string) (identity.Card, error) {
	token := crawler.PolitenessSettings{UserAgent: userAgent}.ProductToken()
	if token == "" {
		return identity.Card{}, usage("user-agent: %q does not begin with a name: write Bot/1.0", userAgent)
	}
	if name == "" {
		name = token
	}
	card := identity.Card{ClientName: name, WebBotAuth: &identity.Behaviour{
		ExpectedUserAgent: userAgent, RFC9309ProductToken: token,
		RFC9309Compliance: []string{"User-Agent", "Allow", "Disallow", "Crawl-delay"},
		Trigger:           "crawler", RateControl: "429",
	}}
	for _, text := range contacts {
		contact, err := contactURL(text)
		if err != nil {
			return card, err
		}
		card.Contacts = append(card.Contacts, contact)
	}
	return card, nil
}

// contactURL returns the URL of a contact, which may be an email address.
func contactURL(text string) (string, error) {
	if u, err := url.Parse(text); err == nil && (u.Scheme == "https" && u.Host != "" || u.Scheme == "mailto") {
		return text, nil
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text {
		return "", usage("contact: %q is neither an email address nor a URL: write ops@bot.example or https://bot.example/contact", text)
	}
	return "mailto:" + text, nil
}

func createIdentity(agent string, folder identity.Folder, card identity.Card) error {
	if _, err := identity.ParseAgent(agent); err != nil {
		return usage("%v", err)
	}
	id, err := folder.Create(agent, card)
	if errors.Is(err, fs.ErrExist) {
		return usage("%v: an identity is not replaced: name another folder with --out, or rotate its key (trawl identity rotate)", err)
	} else if err != nil {
		return failed("create the identity: %v", err)
	}
	fmt.Fprintf(stdout, "Created key %s of agent %s in %s.\n\n", id.Key.ID(), id.Agent, folder)
	sayPublish(folder, id.Agent)
	fmt.Fprintf(stdout, "\nThen crawl with --identity %s. Keep that file secret.\n",
		filepath.Join(string(folder), identity.FileKey))
	return nil
}

// sayPublish says where the public files of a folder belong.
func sayPublish(folder identity.Folder, agent string) {
	path := func(name string) string { return filepath.Join(string(folder), name) }
	fmt.Fprintln(stdout, "Publish these files:")
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  %s\tat %s\n", path(identity.FileDirectory), agent+identity.DirectoryPath)
	fmt.Fprintf(t, "  \twith the headers in %s\n", path(identity.FileHeaders))
	fmt.Fprintf(t, "  %s\tat %s\n", path(identity.FileCard), agent+identity.CardPath)
	t.Flush()
}

// identityFolder returns the folder and its identities: the one that signs, and the one before the
// last rotation, unless it was dropped.
func identityFolder(dir string) (identity.Folder, []identity.Identity, error) {
	all, err := identity.Folder(dir).Identities()
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, usage("%v: it is not a folder of an identity: create one with trawl identity new", err)
	} else if err != nil {
		return "", nil, usage("%v", err)
	}
	return identity.Folder(dir), all, nil
}

// identityReport is what identity show prints as JSON.
type identityReport struct {
	Agent     string `json:"agent"`
	Key       string `json:"key"`
	Previous  string `json:"previous,omitempty"`
	Directory string `json:"directory"`
}

func identityShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show DIR",
		Short: "Show the agent, the ID of its key, and what to publish",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, all, err := identityFolder(args[0])
			if err != nil {
				return err
			}
			r := identityReport{Agent: all[0].Agent, Key: all[0].Key.ID(), Directory: all[0].Agent + identity.DirectoryPath}
			if len(all) > 1 {
				r.Previous = all[1].Key.ID()
			}
			if asJSON {
				return printJSON(stdout, r)
			}
			t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintf(t, "agent\t%s\nkey\t%s\n", r.Agent, r.Key)
			if r.Previous != "" {
				fmt.Fprintf(t, "previous key\t%s\n", r.Previous)
			}
			t.Flush()
			fmt.Fprintln(stdout)
			sayPublish(folder, r.Agent)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func identityRotateCommand() *cobra.Command {
	var drop bool
	cmd := &cobra.Command{
		Use:   "rotate DIR",
		Short: "Replace the key, while the directory lists the old one as well",
		Long: `Rotate creates a new key. The directory lists both keys, so that sites verify the requests of workers
that still sign with the old one. First publish the directory; when the sites have read it, restart
the workers with the new key; then run rotate --drop, and publish the directory again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			folder, all, err := identityFolder(args[0])
			if err != nil {
				return err
			}
			if drop {
				return dropKey(folder)
			}
			id, err := folder.Rotate()
			if errors.Is(err, fs.ErrExist) {
				return usage("key %s of the last rotation is still listed: when no worker signs with it, run trawl identity rotate --drop %s",
					all[1].Key.ID(), folder)
			} else if err != nil {
				return failed("rotate the key: %v", err)
			}
			fmt.Fprintf(stdout, "Created key %s. The directory lists key %s as well.\n\n", id.Key.ID(), all[0].Key.ID())
			sayPublish(folder, id.Agent)
			fmt.Fprintf(stdout, "\nA day later, restart the workers with the new key, and then run trawl identity rotate --drop %s.\n",
				folder)
			return nil
		},
	}
	cmd.Flags().BoolVar(&drop, "drop", false, "remove the old key from the directory")
	return cmd
}

// dropKey ends a rotation.
func dropKey(folder identity.Folder) error {
	id, err := folder.Drop()
	if errors.Is(err, fs.ErrNotExist) {
		return usage("%s has only key %s, which is in use: rotate first, then drop the old one", folder, id.Key.ID())
	} else if err != nil {
		return failed("drop the old key: %v", err)
	}
	fmt.Fprintf(stdout, "Dropped key %s.\n\n", id.Key.ID())
	sayPublish(folder, id.Agent)
	return nil
}

func identityRenewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "renew DIR",
		Short: "Sign the headers of the directory again, for another year",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			folder, all, err := identityFolder(args[0])
			if err != nil {
				return err
			}
			if err := folder.Renew(); err != nil {
				return failed("renew the headers: %v", err)
			}
			sayPublish(folder, all[0].Agent)
			return nil
		},
	}
}

func identityAddressesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "addresses ADDRESS|NETWORK…",
		Short: "Print a list of the addresses that you crawl from, for your web site to publish",
		Long: `Addresses prints the public addresses of your workers as JSON, in the format in which search engines
publish theirs. Publish it on your web site, and name its URL in the card (ips_uri) and in the
page that your User-Agent leads to. It makes no requests.`,
		Example: `  trawl identity addresses 192.0.2.7 2001:db8::/48 > addresses.json`,
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := identity.NewAddressList(args, time.Now())
			if err != nil {
				return usage("identity addresses: %v", err)
			}
			return printJSON(stdout, list)
		},
	}
}
