package blockpage

import "net/http"

// Mark is a kind of block page.
type Mark struct {
	Name  string // as records have it: "cloudflare-challenge"
	About string // what such a page is, for people: "a challenge by Cloudflare"
	Signs string // how it is recognised, for the documents
	rules []rule // a page that satisfies one of them has the mark
}

// Bounds of the pages that are looked at. A page that goes beyond them is content, whatever else
// it has.
const (
	maxSize  = 32 << 10 // of a page with a good status, in bytes
	maxTags  = 250      // of a page with a good status
	maxRead  = 64 << 10 // of the beginning of a page with a refusing status, in bytes
	maxWords = 400      // the longest known ones, those of Anubis and Google's consent page, have about 250
	maxLinks = 20
)

// rule is a condition on a response. All its parts must hold; a part that is empty holds.
type rule struct {
	status  statuses
	header  string   // the header that the response must have,
	values  []string // with one of these values, in lower case; nil for any
	signs   []sign   // each must be on the page
	words   int      // the page has at most this many; 0 for maxWords
	outside int      // words that are in no form: at most this many; 0 for any
	links   int      // it has at most this many links; 0 for maxLinks
	none    bool     // it has no words and no links at all
	mute    bool     // it has no field that a visitor could fill in
}

// headerOnly reports whether the headers are enough to decide.
func (r rule) headerOnly() bool { return r.header != "" && len(r.signs) == 0 }

// statuses says with which statuses a rule holds.
type statuses int

const (
	anyStatus  statuses = iota
	refusing            // the server says that it does not serve the page: see refuses
	forbidding          // 403
)

func (s statuses) allow(status int) bool {
	switch s {
	case refusing:
		return refuses(status)
	case forbidding:
		return status == http.StatusForbidden
	}
	return true
}

// refuses reports whether a status is one with which services refuse a request. 202 and 405 are
// how AWS WAF answers; 404, and errors of the server itself, are none.
func refuses(status int) bool {
	switch status {
	case http.StatusAccepted, http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed,
		http.StatusNotAcceptable, http.StatusPreconditionRequired, http.StatusTooManyRequests,
		http.StatusServiceUnavailable:
		return true
	}
	return false
}

// sign is something on a page: at the place, one of the texts, in lower case.
type sign struct {
	at    place
	texts []string
}

// place is where on a page a sign is.
type place int

const (
	inID     place = iota // an id, or one of the classes, of an element: the whole of it
	inRef                 // the address of a script, frame, image or style sheet, or the target of a form
	inAction              // the target of a form
	inScript              // the beginning of a script on the page
	inTitle               // the title
	inText                // the visible text
)

func id(texts ...string) sign     { return sign{inID, texts} }
func ref(texts ...string) sign    { return sign{inRef, texts} }
func action(texts ...string) sign { return sign{inAction, texts} }
func script(texts ...string) sign { return sign{inScript, texts} }
func title(texts ...string) sign  { return sign{inTitle, texts} }
func text(texts ...string) sign   { return sign{inText, texts} }

// widgets are the elements in which a CAPTCHA is shown. Forms on ordinary pages have them too, so
// they count only where a page has hardly anything else.
var widgets = []string{"cf-turnstile", "h-captcha", "g-recaptcha", "frc-captcha", "mtcaptcha"}

// marks is the table of all marks. Order matters only where a page has several: the first counts.
// Scripts that services add to ordinary pages as well are no sign, such as Cloudflare's
// /cdn-cgi/challenge-platform/, or DataDome's tags.js.
var marks = []Mark{
	{
		"cloudflare-challenge", "a challenge by Cloudflare",
		"the header `cf-mitigated: challenge`; or a script that sets `_cf_chl_opt`",
		[]rule{
			{header: "Cf-Mitigated", values: []string{"challenge"}},
			{signs: []sign{script("_cf_chl_opt")}},
		},
	},
	{
		"cloudflare-denied", "a denial by Cloudflare",
		"a refusing status and the element `cf-error-details`",
		[]rule{{status: refusing, signs: []sign{id("cf-error-details")}}},
	},
	{
		"datadome", "a block page of DataDome",
		"a script or frame of `captcha-delivery.com`; or a refusing status and the header `x-dd-b`",
		[]rule{
			{status: refusing, header: "X-Dd-B"},
			{signs: []sign{ref("captcha-delivery.com/")}},
		},
	},
	{
		"human", "a block page of HUMAN (PerimeterX)",
		"the element `px-captcha`; or a refusing status and JSON with `blockScript` and an `appId` of theirs",
		[]rule{
			{signs: []sign{id("px-captcha")}},
			{status: refusing, signs: []sign{text(`"blockscript"`), text(`"appid":"px`, `"appid": "px`)}},
		},
	},
	{
		"akamai-denied", "a denial by Akamai",
		"a refusing status, the title `Access Denied`, and a reference number (`Reference #`)",
		[]rule{{status: refusing, signs: []sign{title("access denied"), text("reference #")}, words: 100}},
	},
	{
		"akamai-challenge", "a challenge by Akamai",
		"a reference to `/_sec/cp_challenge/`; or an element such as `sec-if-cpt-container`",
		[]rule{
			{signs: []sign{ref("/_sec/cp_challenge/")}},
			{signs: []sign{id("sec-if-cpt-container", "sec-cpt-if", "sec-bc-tile-container")}},
		},
	},
	{
		"imperva", "a block page of Imperva (Incapsula)",
		"a reference to `/_Incapsula_Resource` in a frame `main-iframe`, or on a page that shows nothing; " +
			"or a script that sets `reeseSkipExpirationCheck`",
		[]rule{
			{signs: []sign{ref("/_incapsula_resource"), id("main-iframe")}, words: 40},
			{signs: []sign{ref("/_incapsula_resource")}, none: true},
			{signs: []sign{script("reeseskipexpirationcheck")}},
		},
	},
	{
		"aws-waf", "a challenge by AWS WAF",
		"the header `x-amzn-waf-action` with `challenge` or `captcha`; or a script that sets `gokuProps`",
		[]rule{
			{header: "X-Amzn-Waf-Action", values: []string{"challenge", "captcha"}},
			{signs: []sign{script("gokuprops")}},
		},
	},
	{
		"cloudfront-denied", "a denial by CloudFront",
		"403, the title `ERROR: The request could not be satisfied`, and `Request blocked`",
		[]rule{{
			status: forbidding, words: 120,
			signs: []sign{title("the request could not be satisfied"), text("request blocked")},
		}},
	},
	{
		"sucuri", "a block page of Sucuri",
		"a refusing status and the header `x-sucuri-block` or their title; or a script that sets " +
			"`sucuri_cloudproxy_js`",
		[]rule{
			{status: refusing, header: "X-Sucuri-Block"},
			{status: refusing, signs: []sign{title("sucuri website firewall")}},
			{signs: []sign{script("sucuri_cloudproxy_js")}, none: true},
		},
	},
	{
		"vercel", "a challenge by Vercel",
		"the header `x-vercel-mitigated` with `challenge` or `deny`",
		[]rule{{header: "X-Vercel-Mitigated", values: []string{"challenge", "deny"}}},
	},
	{
		"kasada", "a challenge by Kasada",
		"a refusing status and a script that sets `KPSDK`",
		[]rule{{status: refusing, signs: []sign{script("kpsdk")}}},
	},
	{
		"ddos-guard", "a challenge by DDoS-Guard",
		"a refusing status and a reference to `/.well-known/ddos-guard/`",
		[]rule{{status: refusing, signs: []sign{ref("/.well-known/ddos-guard/")}}},
	},
	{
		"f5", "a rejection by F5",
		"`The requested URL was rejected` and a `support ID`, and hardly anything else",
		[]rule{{signs: []sign{text("the requested url was rejected"), text("support id")}, words: 60, links: 3}},
	},
	{
		"wordfence", "a block page of Wordfence",
		"a refusing status and `Generated by Wordfence`",
		[]rule{{status: refusing, signs: []sign{text("generated by wordfence")}}},
	},
	{
		"anubis", "a challenge by Anubis",
		"the element `anubis_challenge`; or a reference to `/.within.website/x/cmd/anubis/`",
		[]rule{
			{signs: []sign{id("anubis_challenge")}},
			{signs: []sign{ref("/.within.website/x/cmd/anubis/")}},
		},
	},
	{
		"go-away", "a challenge by go-away",
		"a reference to the assets of go-away below `/.well-known/`",
		[]rule{{signs: []sign{ref("/git/go-away/cmd/go-away/")}}},
	},
	{
		"captcha", "a CAPTCHA",
		"an element of a CAPTCHA (Turnstile, hCaptcha, reCAPTCHA and others), no field to fill in, and at most " +
			"60 words and 3 links, or 150 words with a refusing status; or a form whose target names a captcha, " +
			"and at most 80 words",
		[]rule{
			{status: refusing, signs: []sign{id(widgets...)}, words: 150, mute: true},
			{signs: []sign{id(widgets...)}, words: 60, links: 3, mute: true},
			{signs: []sign{action("captcha")}, words: 80, links: 5},
		},
	},
	{
		"consent", "a consent wall",
		"a form of the consent pages of Google or Yahoo; or one whose target names a consent, no field to " +
			"fill in, at most 30 words outside of forms, and 10 links",
		[]rule{
			{signs: []sign{action("//consent.google.", "//consent.youtube.", "/collectconsent")}},
			{signs: []sign{action("consent")}, outside: 30, links: 10, mute: true},
		},
	},
	{
		"challenge", "a challenge",
		"a refusing status and a title such as `Just a moment...`, `Attention Required!`, `Robot Check`, " +
			"`Pardon Our Interruption` or `Security Check`, and at most 150 words",
		[]rule{{status: refusing, words: 150, signs: []sign{title(
			"just a moment...", "attention required!", "robot check", "pardon our interruption", "security check",
			"security checkpoint", "are you a robot", "are you human", "verify you are human",
			"verifying you are human", "not a robot", "not a bot", "checking your browser", "human verification",
			"bot verification", "ddos protection", "captcha",
		)}}},
	},
}

// Marks returns all marks, in the order in which they are looked for.
func Marks() []Mark { return marks }

// About says what a page with the named mark is, such as "a challenge by Cloudflare".
func About(name string) string {
	for _, m := range marks {
		if m.Name == name {
			return m.About
		}
	}
	return "a block page"
}
