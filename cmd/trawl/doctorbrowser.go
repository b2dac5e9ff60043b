package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/render"
)

// wantBrowserDisk is how much room browsers should have for their files. These include data for
// which other programs use shared memory, because containers have little of that.
const wantBrowserDisk = 256 << 20

// browserFindings checks the browser of jobs that render, which is named by its path or address;
// "" is one on PATH.
func browserFindings(ctx context.Context, name string) []finding {
	found, err := render.Examine(ctx, render.Config{Browser: name})
	switch {
	case errors.Is(err, render.ErrNoBrowser) && name == "":
		return []finding{{"browser", stateGood, "none is on PATH: this machine renders no pages",
			"If jobs shall render pages here, install Chromium, or name one with --browser."}}
	case errors.Is(err, render.ErrNoBrowser):
		return []finding{{"browser", stateWrong, err.Error(), "Correct --browser."}}
	case err != nil:
		return []finding{{"browser", stateWrong, err.Error(),
			"Start it by hand to see what it lacks, such as a library; of a remote one, check the address."}}
	}
	all := []finding{{"browser", stateGood,
		fmt.Sprintf("%s, %s, renders %s at once", found.Path, found.Version,
			plain.Plural(int64(found.Pages), "page", "pages")), ""}}
	if found.Remote {
		return all
	}
	room, err := roomOn(os.TempDir())
	return append(all, isolationFinding(found), browserDiskFinding(os.TempDir(), room, err))
}

// isolationFinding judges how the browser is isolated from the machine.
func isolationFinding(found render.Examined) finding {
	network := "it has network interfaces, which its settings keep it from"
	if found.NoNetwork {
		network = "it has no network interfaces"
	}
	if !found.Sandbox {
		return finding{"browser sandbox", stateWarn, "pages run without Chromium's sandbox; " + network,
			"Let the user of Trawl create user namespaces (sysctl kernel.unprivileged_userns_clone=1, " +
				"kernel.apparmor_restrict_unprivileged_userns=0), or use a browser in a container with --browser ws://…."}
	}
	return finding{"browser sandbox", stateGood, "pages run in Chromium's sandbox; " + network, ""}
}

// browserDiskFinding judges the room in the folder of temporary files, or the error of looking for it.
func browserDiskFinding(folder string, room uint64, err error) finding {
	switch {
	case err != nil:
		return finding{"browser files", stateWarn, err.Error(), ""}
	case room < wantBrowserDisk:
		return finding{"browser files", stateWarn, fmt.Sprintf("%q has room for %v", folder, mebibytes(room)),
			"Make room there, or set TMPDIR to another folder: browsers keep their files and shared memory there, " +
				"and not in /dev/shm."}
	}
	return finding{"browser files", stateGood, fmt.Sprintf("%q has room for %v", folder, mebibytes(room)), ""}
}
