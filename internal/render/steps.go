package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// live lets the page run, and stores the outcome in the result.
func (p *page) live(ctx context.Context) error {
	// The last quarter of the time, at most five seconds, is for the result.
	limit := p.req.Limits.Time
	soft, cancel := context.WithDeadline(ctx, p.began.Add(limit-min(limit/4, 5*time.Second)))
	defer cancel()
	err := p.navigate(soft)
	if err == nil {
		err = p.steps(soft)
	}
	switch {
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		p.mu.Lock()
		committed := p.served
		p.hit("wait")
		p.mu.Unlock()
		if !committed {
			return err
		}
	case err != nil:
		return err
	}
	return p.capture(ctx)
}

// navigate opens the document.
func (p *page) navigate(ctx context.Context) error {
	var went struct {
		Error string `json:"errorText"`
	}
	err := p.call(ctx, "Page.navigate", object{"url": p.req.URL}, &went)
	if err == nil && went.Error != "" {
		return fmt.Errorf("the browser does not show the document: %s", went.Error)
	}
	return err
}

// steps carries out the steps of the request in their order.
func (p *page) steps(ctx context.Context) error {
	if err := p.wait(ctx, p.req.Wait); err != nil {
		return err
	}
	p.mu.Lock()
	p.stay = true // from here on, the page shows the content of its URL
	p.mu.Unlock()
	for _, script := range p.req.Script {
		if err := p.script(ctx, script); err != nil {
			return err
		}
	}
	for _, c := range p.req.Click {
		if err := p.click(ctx, c); err != nil {
			return err
		}
	}
	return p.scroll(ctx)
}

// settle waits after a step, until no request is under way.
func (p *page) settle(ctx context.Context) error {
	return p.wait(ctx, Wait{Until: UntilIdle, For: min(p.req.Wait.For, time.Second), Max: p.req.Wait.Max})
}

// wait waits until the page is ready, or the time for that is over.
func (p *page) wait(ctx context.Context, w Wait) error {
	most, cancel := context.WithTimeout(ctx, w.Max)
	defer cancel()
	err := p.until(most, func() bool { return p.loaded })
	if err == nil {
		switch w.Until {
		case UntilIdle:
			err = p.idle(most, w.For)
		case UntilTime:
			err = pause(most, w.For)
		case UntilSelector:
			err = p.selector(most, w.Selector)
		case UntilLoad:
		}
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hit("wait")
		return nil
	}
	return err
}

// idle waits until the page has loaded and nothing was requested for a time.
func (p *page) idle(ctx context.Context, quiet time.Duration) error {
	for {
		if err := p.until(ctx, func() bool { return p.loaded && p.flying == 0 }); err != nil {
			return err
		}
		p.mu.Lock()
		left := quiet - time.Since(p.last)
		p.mu.Unlock()
		if left <= 0 {
			return nil
		}
		if err := pause(ctx, left); err != nil {
			return err
		}
	}
}

// pollEvery is how often the page is asked whether a selector matches.
const pollEvery = 100 * time.Millisecond

// selector waits until a selector matches.
func (p *page) selector(ctx context.Context, selector string) error {
	for {
		var there bool
		err := p.evaluate(ctx, `document.querySelector(`+quoted(selector)+`) !== null`, &there)
		if err != nil || there {
			return err
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quoted returns a text as a literal of JavaScript.
func quoted(text string) string {
	literal, _ := json.Marshal(text) // a string can always be encoded
	return string(literal)
}

// evaluated is the result of Runtime.evaluate.
type evaluated struct {
	Result struct {
		Value json.RawMessage `json:"value"`
	} `json:"result"`
	Thrown *struct {
		Text   string `json:"text"`
		Object struct {
			Description string `json:"description"`
		} `json:"exception"`
	} `json:"exceptionDetails"`
}

// evaluate evaluates an expression in a world of its own, where the page's scripts cannot change
// the meaning of names.
func (p *page) evaluate(ctx context.Context, expression string, to any) error {
	var world struct {
		ID int64 `json:"executionContextId"`
	}
	err := p.call(ctx, "Page.createIsolatedWorld", object{"frameId": p.target, "worldName": "trawl"}, &world)
	if err != nil {
		return err
	}
	var got evaluated
	err = p.call(ctx, "Runtime.evaluate", object{
		"expression": expression, "contextId": world.ID, "returnByValue": true, "awaitPromise": true,
	}, &got)
	switch {
	case err != nil:
		return err
	case got.Thrown != nil:
		return fmt.Errorf("evaluate %q: %s %s", expression, got.Thrown.Text, got.Thrown.Object.Description)
	}
	return json.Unmarshal(got.Result.Value, to)
}

// script runs a script of the operator among those of the page, and keeps its return value.
func (p *page) script(ctx context.Context, text string) error {
	most, cancel := context.WithTimeout(ctx, p.req.Wait.Max)
	defer cancel()
	var got evaluated
	err := p.call(most, "Runtime.evaluate", object{
		"expression": "(async () => {" + text + "\n})()", "returnByValue": true, "awaitPromise": true, "userGesture": true,
	}, &got)
	var refused *protocolError // such as for a value that JSON cannot express, or a page that went away
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil, errors.As(err, &refused):
	case err != nil:
		return err
	}
	value := got.Result.Value
	if value == nil || got.Thrown != nil {
		value = json.RawMessage("null")
	}
	p.mu.Lock()
	p.result.Values = append(p.result.Values, value)
	p.mu.Unlock()
	return p.settle(ctx)
}

// clickOn clicks on the first visible element that a selector matches.
const clickOn = `(selector => {
	for (const e of document.querySelectorAll(selector)) {
		if (e.disabled || e.getClientRects().length === 0) continue;
		e.scrollIntoView({block: "center"});
		e.click();
		return true;
	}
	return false;
})`

// click clicks on a selector until nothing matches it, at most c.Max times.
func (p *page) click(ctx context.Context, c Click) error {
	for range max(c.Max, 1) {
		var clicked bool
		err := p.evaluate(ctx, clickOn+"("+quoted(c.Selector)+")", &clicked)
		if err != nil || !clicked {
			return err
		}
		if err := p.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// scrollDown scrolls to the end, and returns the height of the page. It waits until the page was
// drawn there, because only then does the page learn what is visible.
const scrollDown = `(async () => {
	const all = document.scrollingElement ?? document.documentElement;
	scrollTo(0, all.scrollHeight);
	const drawn = () => new Promise(done => requestAnimationFrame(done));
	await drawn();
	await drawn();
	return all.scrollHeight + " " + document.getElementsByTagName("*").length;
})()`

// scroll scrolls to the end until the page no longer grows, at most as often as the request says.
func (p *page) scroll(ctx context.Context) error {
	before := ""
	for range p.req.Scroll {
		var much string
		if err := p.evaluate(ctx, scrollDown, &much); err != nil {
			return err
		}
		if much == before {
			return nil
		}
		before = much
		if err := p.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}
