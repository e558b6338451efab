package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// A versionAnswer is what version prints.
type versionAnswer struct {
	Schema   string  `json:"schema"`
	Command  string  `json:"command"`
	Version  string  `json:"version"`
	Revision *string `json:"revision"` // of the source tree; null when the build did not record it
	Modified bool    `json:"modified"` // the tree had changes beside the revision
	Go       string  `json:"go"`
	OS       string  `json:"os"`
	Arch     string  `json:"arch"`
}

func (a *app) versionCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Long:  "Prints the version, the revision of the source, and the platform.",
		Example: `  hvmigerr version
  hvmigerr version -o json`,
		Args: arguments(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := applyEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return a.version(format)
		},
	}
	registerOutput(cmd, &format)
	return cmd
}

func (a *app) version(format string) error {
	if err := checkOutput(format); err != nil {
		return err
	}
	v := buildVersion()
	if format != outputText {
		return a.writeJSON(v, format)
	}
	a.out.printf("hvmigerr %s\n", v.Version)
	if v.Revision != nil {
		modified := ""
		if v.Modified {
			modified = ", modified"
		}
		a.out.printf("revision %s%s\n", *v.Revision, modified)
	}
	a.out.printf("%s %s/%s\n", v.Go, v.OS, v.Arch)
	return nil
}

// buildVersion reads what the Go toolchain recorded.
func buildVersion() *versionAnswer {
	v := &versionAnswer{
		Schema: schema, Command: "version", Version: "(devel)",
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = &s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
