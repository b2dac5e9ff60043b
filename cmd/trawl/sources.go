package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/internal/setting"
)

// fill sets the flags of a command that were not given: from the environment and, if they
// are settings, from the file of --config.
func fill(cmd *cobra.Command) error {
	if _, err := fromEnvironment(cmd.Flags()); err != nil {
		return err
	}
	return fromConfig(cmd.Flags())
}

// fromEnvironment sets the flags that were not given from TRAWL_ variables. It returns the
// names of these flags.
func fromEnvironment(flags *pflag.FlagSet) (set map[string]bool, err error) {
	set = make(map[string]bool)
	flags.VisitAll(func(f *pflag.Flag) {
		name := setting.Variable(f.Name)
		value, ok := os.LookupEnv(name)
		if !ok || f.Changed || err != nil {
			return
		}
		if wrong := flags.Set(f.Name, value); wrong != nil {
			err = usage("%s=%q in the environment: %v", name, value, wrong)
		}
		set[f.Name] = true
	})
	return set, err
}

// configFlag is the flag of the file that gives defaults for all commands.
const configFlag = "config"

// configPath returns the path of the file of --config; "" for none.
func configPath(flags *pflag.FlagSet) string {
	if f := flags.Lookup(configFlag); f != nil {
		return f.Value.String()
	}
	return ""
}

// readConfig reads the file of --config into the settings.
func (s *settings) readConfig(path string) error {
	if path == "" {
		return nil
	}
	own, job := s.origins, s.source // those of the job file, because a config file is not one
	text, err := os.ReadFile(path)
	if err != nil {
		return usage("config file: %v", err)
	}
	found, err := decodeFile("config file", path, text, s)
	if err != nil {
		return err
	}
	s.source = job
	for key, line := range found {
		if key == "name" || key == "seeds" {
			return usage("config file %s: [%d:1] %s belongs into a job file: a config file gives defaults for all jobs",
				path, line, key)
		}
		if own != nil {
			own[key] = fmt.Sprintf("%s:%d", path, line)
		}
	}
	return nil
}

// fromConfig sets the flags that are settings and were not given from the file of --config.
func fromConfig(flags *pflag.FlagSet) error {
	path := configPath(flags)
	if path == "" {
		return nil
	}
	file := defaultSettings()
	file.origins = make(map[string]string)
	if err := file.readConfig(path); err != nil {
		return err
	}
	for _, row := range setting.Table() {
		f := flags.Lookup(row.Flag())
		if _, given := file.origins[row.Name]; !given || f == nil || f.Changed || !isSetting(f) {
			continue
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			if words, ok := row.Pointer(&file.Values).(*[]string); ok {
				if err := list.Replace(*words); err != nil {
					return usage("config file %s: %s: %v", path, row.Name, err)
				}
				f.Changed = true
			}
			continue
		}
		if err := flags.Set(f.Name, row.Text(&file.Values)); err != nil {
			return usage("config file %s: %s: %v", path, row.Name, err)
		}
	}
	return nil
}

// usual returns the default settings of a job that a command creates: the defaults, changed by the
// file of --config.
func usual(cmd *cobra.Command) (settings, error) {
	s := defaultSettings()
	return s, s.readConfig(configPath(cmd.Flags()))
}
