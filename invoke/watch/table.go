package watch

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// Limits of what is kept of one host, whatever it lists. invoke.Poller takes no more than 65,536 jobs at a time.
const (
	maxKept   = 1024 // jobs that run of which the last sight is kept; of more, the InstanceID alone
	maxAbsent = 1024 // jobs that are not listed any more
	maxDue    = 1024 // jobs that have ended and are to be asked about, of either kind; more are left to the next polls
)

// remembered is how long a job is known that is not listed any more. A host that leaves jobs out of one list, while its
// management service starts, does not have them told again.
const remembered = 10 * time.Minute

// A table holds what is known of the jobs of one host. The zero value knows none.
type table struct {
	jobs    map[string]*tracked // by jobKey
	running int                 // jobs that are listed and run
	kept    int                 // jobs that have last set
	polls   uint64
	// since is the moment from which on the host was watched without a break, by its own clock; zero if it did not tell.
	since time.Time
}

// A tracked is what is kept of one job.
type tracked struct {
	state   invoke.JobState
	percent uint16
	ended   bool
	gone    bool                 // it was told to be
	poll    uint64               // the last that listed it
	absent  time.Time            // since when it has not been listed, by our clock; zero while it is
	last    *invoke.MigrationJob // as it ran when last seen; nil beyond maxKept, and when it has ended
}

// A change is what one poll tells of one job.
type change struct {
	kind   Kind
	key    string
	job    *invoke.MigrationJob
	what   string // the end of the event's ID
	missed bool
}

// A room is for how many jobs that have ended there is room: those of which the host can tell why, and others.
type room struct{ explained, others int }

// of returns the room for the kind of c.
func (r *room) of(c *change) *int {
	if c.explained() {
		return &r.explained
	}
	return &r.others
}

// update takes in a list of jobs, that came at now by our clock, and yields what has changed since the last. gap tells that the host
// was not watched before. No jobs that have ended are told for which there is no room: they are as if they were not listed.
func (t *table) update(now time.Time, list []*invoke.MigrationJob, gap bool, left room) []change {
	if t.jobs == nil && len(list) > 0 {
		t.jobs = map[string]*tracked{}
	}
	t.polls++
	if gap {
		t.since = dateOf(list)
	}
	t.running = 0
	var changes []change
	for _, j := range list {
		key := jobKey(j)
		if c, ok := t.see(key, j, gap, &left); ok {
			changes = append(changes, c)
		}
	}
	return append(changes, t.sweep(now, gap)...)
}

// see takes in one job. It returns false when nothing is to be told of it.
func (t *table) see(key string, j *invoke.MigrationJob, gap bool, left *room) (change, bool) {
	known := t.jobs[key]
	if j.Finished() && (known == nil || !known.ended) {
		return t.end(key, j, gap, left)
	}
	state, percent := deref(j.JobState), deref(j.PercentComplete)
	c := change{kind: JobNew, key: key, job: j, what: "new"}
	switch {
	case known == nil:
		known = &tracked{}
		t.jobs[key] = known
	case known.ended: // it ended once: what it is said to be now does not matter
		known.poll, known.absent = t.polls, time.Time{}
		return change{}, false
	case known.percent != percent:
		c.kind, c.what = JobProgress, "progress/"+strconv.Itoa(int(percent))
	case known.state != state:
		c.kind, c.what = JobProgress, "progress/state-"+strconv.Itoa(int(state))
	default:
		c.kind = ""
	}
	if known.last != nil || t.kept < maxKept {
		if known.last == nil {
			t.kept++
		}
		known.last = j
	}
	known.state, known.percent, known.poll, known.absent = state, percent, t.polls, time.Time{}
	t.running++
	return c, c.kind != ""
}

// end takes in a job that has ended and is not known to.
func (t *table) end(key string, j *invoke.MigrationJob, gap bool, left *room) (change, bool) {
	known := t.jobs[key]
	c := change{kind: JobEnded, key: key, job: j, what: "ended", missed: gap || known == nil && t.before(j)}
	if j.Failed() {
		c.kind, c.what = JobFailed, "failed"
	}
	n := left.of(&c)
	if *n <= 0 {
		if known != nil {
			known.poll = t.polls
			t.running++ // as far as was told
		}
		return change{}, false
	}
	*n--
	if known == nil {
		known = &tracked{}
		t.jobs[key] = known
	}
	t.forgetSight(known)
	known.ended, known.poll, known.absent = true, t.polls, time.Time{}
	return c, true
}

// before reports whether j ended before the host was watched, by the host's own clock. Its Date tells seconds.
func (t *table) before(j *invoke.MigrationJob) bool {
	ended := deref(j.TimeOfLastStateChange)
	return !ended.IsZero() && !t.since.IsZero() && ended.Before(t.since)
}

// sweep returns the jobs that ran and are not listed any more, and forgets those that have not been for long.
func (t *table) sweep(now time.Time, gap bool) []change {
	var gone []change
	var absent []string
	for key, k := range t.jobs {
		if k.poll == t.polls {
			continue
		}
		if k.absent.IsZero() {
			k.absent = now
			if !k.ended && !k.gone {
				k.gone = true
				gone = append(gone, change{kind: JobGone, key: key, job: sight(key, k), what: "gone", missed: gap})
				t.forgetSight(k)
			}
		}
		if now.Sub(k.absent) > remembered {
			delete(t.jobs, key)
			continue
		}
		absent = append(absent, key)
	}
	if len(absent) > maxAbsent {
		slices.SortFunc(absent, func(a, b string) int { return t.jobs[a].absent.Compare(t.jobs[b].absent) })
		for _, key := range absent[:len(absent)-maxAbsent] {
			delete(t.jobs, key)
		}
	}
	if len(t.jobs) == 0 {
		t.jobs = nil
	}
	slices.SortFunc(gone, func(a, b change) int { return strings.Compare(a.key, b.key) })
	return gone
}

// sight returns a job as it was last seen.
func sight(key string, k *tracked) *invoke.MigrationJob {
	if k.last != nil {
		return k.last
	}
	return invoke.NewJob(key)
}

func (t *table) forgetSight(k *tracked) {
	if k.last != nil {
		k.last = nil
		t.kept--
	}
}

// dateOf returns the clock of the host when it sent the list, or the zero time.
func dateOf(list []*invoke.MigrationJob) time.Time {
	for _, j := range list {
		if j.Instance != nil {
			return j.Instance.Date
		}
	}
	return time.Time{}
}

// deref returns what p points to, or the zero value when p is nil.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
