// Package webhook sends events to receivers: as CloudEvents 1.0 in structured JSON, signed as in
// Standard Webhooks.
//
// A [Message] is the body, which is made once and is the same in each try. A [Sender] makes one
// try: it looks up the secrets of the receiver ([Secrets]), signs the body with all of them, and
// posts it. Which addresses it may connect to, the operator of the schedulers decides, because
// receivers are named by those who create jobs.
package webhook
