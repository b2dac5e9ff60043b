package render

import "fmt"

// nowhere is the browser's only proxy. Its name cannot exist (RFC 6761, 6.4), so that a request
// which is not intercepted fails before any socket is opened.
const nowhere = "http://proxy.invalid:1"

// noBypass makes the proxy hold for the machine's own addresses too, which Chromium would
// otherwise connect to directly.
const noBypass = "<-loopback>"

// Offline returns the arguments that every browser must have, remote ones included. With them, a
// request that is not intercepted can resolve no name and reach no proxy, and WebRTC may use
// neither UDP nor addresses of the machine.
func Offline() []string {
	return []string{
		"--proxy-server=" + nowhere, "--proxy-bypass-list=" + noBypass,
		"--host-resolver-rules=MAP * ~NOTFOUND", "--dns-prefetch-disable",
		"--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
		"--webrtc-ip-handling-policy=disable_non_proxied_udp", "--disable-quic",
	}
}

// arguments returns the command line of a browser: headless, without a network, and without the
// background services of a person's browser.
func arguments(dir string, sandbox bool, heap int64) []string {
	args := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + dir,
		// Nothing of its own: no updates, reports, extensions, or services.
		"--no-startup-window", "--no-first-run", "--no-default-browser-check", "--no-pings", "--no-service-autorun",
		"--disable-background-networking", "--disable-breakpad", "--disable-client-side-phishing-detection",
		"--disable-component-extensions-with-background-pages", "--disable-component-update",
		"--disable-default-apps", "--disable-domain-reliability", "--disable-extensions", "--disable-sync",
		"--disable-crash-reporter", "--metrics-recording-only", "--password-store=basic", "--use-mock-keychain",
		"--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider," +
			"InterestFeedContentSuggestions,AutofillServerCommunication,CertificateTransparencyComponentUpdater," +
			"SegmentationPlatform,PrivacySandboxSettings4,LocalNetworkAccessChecks",

		// No devices and no prompts.
		"--deny-permission-prompts", "--disable-notifications", "--disable-speech-api", "--mute-audio",
		"--disable-3d-apis", "--disable-gpu", "--hide-scrollbars",

		// Pages run although they are not visible.
		"--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
		"--disable-renderer-backgrounding", "--disable-hang-monitor",

		// A page opens no windows, but events still tell where these would lead.
		"--block-new-web-contents", "--disable-popup-blocking",

		"--disable-dev-shm-usage", // containers give it 64 MB
		fmt.Sprintf("--js-flags=--max-old-space-size=%d", max(heap>>20, 64)),
	}
	args = append(args, Offline()...)
	if !sandbox {
		args = append(args, "--no-sandbox")
	}
	return args
}
