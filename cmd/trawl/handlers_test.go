package main

import (
	"errors"
	"strings"
	"testing"
)

func TestAJobWithHandlersIsRefusedByACommandWithoutThem(t *testing.T) {
	t.Parallel()
	s := resolveSettings(t, "name: shop\nhandlers: [shop, images]\n")
	err := noHandlers(s)
	var status *exitError
	if !errors.As(err, &status) || status.code != exitUsage ||
		!strings.Contains(err.Error(), "handlers: shop, images are functions of a Go program") {
		t.Errorf("the error is %v", err)
	}
	if err := checkJob(s); err != nil {
		t.Errorf("a job with handlers cannot be created: %v", err)
	}
	if err := noHandlers(resolveSettings(t, "name: plain\n")); err != nil {
		t.Errorf("a job without handlers: %v", err)
	}
	s.Handlers = []string{"My Shop"}
	if err := checkJob(s); err == nil || !strings.Contains(err.Error(), `handlers: "My Shop" is not a valid name`) {
		t.Errorf("an invalid name: %v", err)
	}
}
