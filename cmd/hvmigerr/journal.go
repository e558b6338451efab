package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// registerJournal defines --journal of the commands that answer from one.
func registerJournal(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "journal", "", "answer from `FILE`, which watch --journal wrote, and ask no host; without a HOST, of all hosts in it")
}

// A journal is what watch --journal wrote, and where in it the last word on each job stands. The jobs themselves stay in the file.
type journal struct {
	name    string
	damaged int
	written time.Time      // the time of the last line
	hosts   []*journalHost // in the order of their first lines
	byLabel map[string]*journalHost
	file    *os.File
	lines   io.ReaderAt // file, or copied
	copied  spill       // of what can be read but once
}

// A journalHost is a host in a journal.
type journalHost struct {
	label, url string
	jobs       []*journalJob
	byID       map[journalKey]*journalJob
	absent     bool // it was asked for, and the journal does not know it
}

// A journalKey stands for the key of a job, or for the GUID or the name of a machine: words of hosts, of any length.
type journalKey [16]byte

func newJournalKey(name string) journalKey {
	sum := sha256.Sum256([]byte(foldID(name)))
	return journalKey(sum[:])
}

// A journalJob is the last word on a job: how it ended, if it did. It has what jobs are chosen, sorted and counted by.
type journalJob struct {
	id     journalKey
	names  []journalKey // of its virtual machine: GUID and name
	ended  bool         // how it ended is the last word, whatever comes after
	offset int64
	size   int

	rank    int
	state   string // its name
	running bool   // it had not ended, as far as the journal knows
	changed time.Time
}

// A journalHead is what must be known of each line.
type journalHead struct {
	Time     time.Time  `json:"time"`
	Event    watch.Kind `json:"event"`
	Host     string     `json:"host"`
	URL      string     `json:"url"`
	VM       string     `json:"vm"`
	Job      *jobHead   `json:"job"`
	Evidence *struct{}  `json:"evidence"`
}

// openJournal reads the journal. That there is none is a usage error.
func openJournal(ctx context.Context, name string) (*journal, error) {
	j := &journal{name: name, byLabel: map[string]*journalHost{}}
	_, err := await(ctx, func() (struct{}, error) { return struct{}{}, j.read() })
	if err != nil {
		return nil, err
	}
	return j, nil
}

func (j *journal) read() error {
	file, err := os.Open(j.name)
	if err != nil {
		return &usageError{"--journal: " + err.Error()}
	}
	j.file = file
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = &usageError{"--journal: " + j.name + " is a directory"}
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if err := j.readLines(info.Mode().IsRegular()); err != nil {
		j.close()
		return err
	}
	return nil
}

// readLines reads the heads of all lines. Of what cannot be read again a copy is made, to find the lines in.
func (j *journal) readLines(again bool) error {
	j.lines = j.file
	var r io.Reader = j.file
	if !again {
		if err := j.copied.create(); err != nil {
			return fmt.Errorf("a temporary file for a journal that can be read but once: %w", err)
		}
		j.lines, r = j.copied.file, io.TeeReader(j.file, j.copied.file)
	}
	for line, err := range watch.JournalLines(r) {
		if err == nil {
			err = j.add(line)
		} else if !has[*watch.LineError](err) {
			return fmt.Errorf("reading the journal: %w", err)
		}
		if err != nil {
			j.damaged++
		}
	}
	if len(j.hosts) == 0 && j.damaged > 0 {
		return &usageError{"--journal: " + j.name + ": " + watch.ErrNotJournal.Error()}
	}
	return nil
}

// close closes the file.
func (j *journal) close() {
	_ = j.file.Close() // it was only read
	j.copied.close()
}

var errNotEvent = errors.New("not an event of watch")

// add takes a line.
func (j *journal) add(line watch.Line) error {
	var head journalHead
	if err := json.Unmarshal(line.Text, &head); err != nil {
		return err
	}
	if head.Host == "" || head.Event == "" || head.Job != nil && head.Evidence == nil {
		return errNotEvent
	}
	if head.Time.After(j.written) {
		j.written = head.Time
	}
	h := j.byLabel[foldLabel(head.Host)]
	if h == nil {
		h = &journalHost{label: head.Host, url: head.URL, byID: map[journalKey]*journalJob{}}
		j.byLabel[foldLabel(head.Host)] = h
		j.hosts = append(j.hosts, h)
	}
	if head.Job != nil {
		h.job(head.Job.InstanceID).add(&head, line)
	}
	return nil
}

// job returns the job of that key, a new one if it is the first time.
func (h *journalHost) job(id string) *journalJob {
	key := newJournalKey(id)
	job := h.byID[key]
	if job == nil {
		job = &journalJob{id: key}
		h.byID[key] = job
		h.jobs = append(h.jobs, job)
	}
	return job
}

// add takes a line about the job.
func (j *journalJob) add(head *journalHead, line watch.Line) {
	for _, name := range []string{head.VM, head.Job.VirtualSystemName} {
		if key := newJournalKey(name); name != "" && !slices.Contains(j.names, key) {
			j.names = append(j.names, key)
		}
	}
	ended := head.Event == watch.JobFailed || head.Event == watch.JobEnded
	if j.ended && !ended {
		return
	}
	j.ended, j.offset, j.size = ended, line.Offset, len(line.Text)
	head.Job.describe(j, head)
}

// foldLabel makes names of one host equal.
func foldLabel(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// foldID makes keys of one job, or machine, equal: Windows minds neither letter case nor braces.
func foldID(id string) string { return strings.ToLower(strings.Trim(id, "{}")) }

// text returns the line of a job.
func (j *journal) text(job *journalJob) ([]byte, error) {
	text := make([]byte, job.size)
	if _, err := io.ReadFull(io.NewSectionReader(j.lines, job.offset, int64(job.size)), text); err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	return text, nil
}

// only returns the hosts of these labels, or all for none. One that the journal does not know is among them, absent.
func (j *journal) only(labels []string) ([]*journalHost, error) {
	if len(labels) == 0 {
		return j.hosts, nil
	}
	var list []*journalHost
	for _, label := range labels {
		if label == "" || label == "-" || strings.HasPrefix(label, "@") {
			return nil, &usageError{fmt.Sprintf("HOST %q: with --journal a HOST is the name of one host, as the journal has it", label)}
		}
		h := j.byLabel[foldLabel(label)]
		if h == nil {
			h = &journalHost{label: label, absent: true}
		}
		if !slices.Contains(list, h) {
			list = append(list, h)
		}
	}
	return list, nil
}

// journalOnly refuses flags that were typed and say how to ask a host, and lets the environment choose the output.
func journalOnly(fs *pflag.FlagSet, journal string, output *string) error {
	if journal == "" {
		return &usageError{"--journal is empty"}
	}
	sensible := []string{"journal", "output", "job", "vm", "latest", "all", "raw", "failed", "running", "no-explain", "exit-status"}
	var err error
	fs.Visit(func(fl *pflag.Flag) {
		if err == nil && !slices.Contains(sensible, fl.Name) {
			err = &usageError{"--journal asks no host: --" + fl.Name + " does not go with it"}
		}
	})
	if err != nil {
		return err
	}
	name := variable("output")
	if value := os.Getenv(name); value != "" && !fs.Changed("output") {
		if err := setFlag(fs.Lookup("output"), value); err != nil {
			return &usageError{fmt.Sprintf("%s: invalid value %q for --output", name, value)}
		}
	}
	return checkOutput(*output)
}
