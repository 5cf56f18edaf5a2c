// look shows a log of ours through Go's own packages alone, so that jq and people can judge what it says.
//
//	look files LOG           nothing if every file is what the entries make; else what is wrong, a file a line
//	look entries LOG         INDEX, leaf hash and entry of each, tab-separated, after the root was compared
//	look root LOG SIZE       the root that the log had at SIZE, with Go's own proof that it begins the signed tree
//	look signers CHARTER AT  the parties that signed the envelope on stdin with a key in force at AT, one a line
//
// LOG is a folder with vkey, checkpoint and tile/. docs/ledger-with-go.md uses it.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// tree is a log whose checkpoint Go opened, with the hashes that Go made of its entries.
type tree struct {
	folder  string
	head    tlog.Tree
	entries [][]byte
	hashes  []tlog.Hash
}

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var read []tlog.Hash
	for _, index := range indexes {
		read = append(read, t.hashes[index])
	}
	return read, nil
}

func main() {
	log.SetFlags(0)
	switch os.Args[1] {
	case "files":
		t := open(os.Args[2])
		t.compare()
	case "entries":
		t := open(os.Args[2])
		for index, entry := range t.entries {
			fmt.Printf("%d\t%s\t%s\n", index, tlog.RecordHash(entry), entry)
		}
	case "root":
		size, err := strconv.ParseInt(os.Args[3], 10, 64)
		must(err)
		fmt.Println(open(os.Args[2]).root(size))
	case "signers":
		signers(os.Args[2], os.Args[3])
	default:
		log.Fatalf("no such command: %s", os.Args[1])
	}
}

// open opens the checkpoint under the key beside it, and makes all hashes again from the entries.
func open(folder string) *tree {
	vkey, err := os.ReadFile(filepath.Join(folder, "vkey"))
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSuffix(string(vkey), "\n"))
	must(err)
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) != 4 || lines[0] != verifier.Name() {
		log.Fatalf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	t := &tree{folder: folder, head: tlog.Tree{N: size, Hash: root}}
	t.read()
	made, err := tlog.TreeHash(size, t)
	must(err)
	if size > 0 && made != root {
		log.Fatalf("the entries make the root %s, signed is %s", made, root)
	}
	return t
}

func (t *tree) read() {
	for first := int64(0); first < t.head.N; first += 1 << height {
		width := t.head.N - first
		if width > 1<<height {
			width = 1 << height
		}
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: int(width)}
		data, err := os.ReadFile(filepath.Join(t.folder, path(tile)))
		must(err)
		for count := 0; count < tile.W; count++ {
			length := int(binary.BigEndian.Uint16(data))
			entry := data[2 : 2+length]
			data = data[2+length:]
			hashes, err := tlog.StoredHashes(int64(len(t.entries)), entry, t)
			must(err)
			t.entries, t.hashes = append(t.entries, entry), append(t.hashes, hashes...)
		}
		if len(data) != 0 {
			log.Fatalf("%s is longer than its entries", path(tile))
		}
	}
}

// compare says of every file below the log whether it is what the entries make.
func (t *tree) compare() {
	needed := t.needed()
	must(filepath.WalkDir(t.folder, func(file string, entry fs.DirEntry, err error) error {
		must(err)
		name, err := filepath.Rel(t.folder, file)
		must(err)
		if !entry.IsDir() && name != "vkey" && name != "checkpoint" {
			delete(needed, name)
			t.compareFile(name, entry)
		}
		return nil
	}))
	for name := range needed {
		fmt.Println("file-missing", name)
	}
}

// needed is every full tile, and the one partial tile of each level, that C2SP tlog-tiles asks of a tree of this size.
func (t *tree) needed() map[string]bool {
	names := map[string]bool{}
	for level := -1; level < 8; level++ {
		size := t.head.N
		if level > 0 {
			size >>= height * level
		}
		for n := int64(0); n < size>>height; n++ {
			names[path(tlog.Tile{H: height, L: level, N: n, W: 1 << height})] = true
		}
		if rest := size % (1 << height); rest > 0 {
			names[path(tlog.Tile{H: height, L: level, N: size >> height, W: int(rest)})] = true
		}
	}
	return names
}

func (t *tree) compareFile(name string, entry fs.DirEntry) {
	goName := strings.Replace(strings.Replace(name, "tile/entries/", "tile/data/", 1), "tile/", "tile/8/", 1)
	tile, err := tlog.ParseTilePath(goName)
	if err != nil || !entry.Type().IsRegular() {
		fmt.Println("file-unknown", name)
		return
	}
	level := 0
	if tile.L > 0 {
		level = tile.L
	}
	if (tile.N<<height+int64(tile.W))<<(height*level) > t.head.N {
		fmt.Println("file-ahead", name)
		return
	}
	found, err := os.ReadFile(filepath.Join(t.folder, name))
	must(err)
	if string(found) != string(t.make(tile)) {
		fmt.Println("file-differs", name)
	}
}

func (t *tree) make(tile tlog.Tile) []byte {
	if tile.L >= 0 {
		data, err := tlog.ReadTileData(tile, t)
		must(err)
		return data
	}
	var data []byte
	first := tile.N << height
	for _, entry := range t.entries[first : first+int64(tile.W)] {
		data = append(binary.BigEndian.AppendUint16(data, uint16(len(entry))), entry...)
	}
	return data
}

func (t *tree) root(size int64) tlog.Hash {
	if size > t.head.N {
		log.Fatalf("the log has %d entries, not %d", t.head.N, size)
	}
	root, err := tlog.TreeHash(size, t)
	must(err)
	if size > 0 {
		proof, err := tlog.ProveTree(t.head.N, size, t)
		must(err)
		must(tlog.CheckTree(proof, t.head.N, t.head.Hash, size, root))
	}
	return root
}

// path is where C2SP tlog-tiles has a tile: Go names the height in it, and calls a bundle data.
func path(tile tlog.Tile) string {
	name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	return strings.Replace(name, "tile/data/", "tile/entries/", 1)
}

type envelope struct {
	Payload     []byte `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		Party string `json:"party"`
		KeyID string `json:"keyid"`
		Sig   []byte `json:"sig"`
	} `json:"signatures"`
}

// signers is docs/specs/documents.md, "Counting signatures": a party once, by its listed keys alone.
func signers(charterFile, at string) {
	moment, err := time.Parse(time.RFC3339, at)
	must(err)
	data, err := os.ReadFile(charterFile)
	must(err)
	var pinned, signed envelope
	must(json.Unmarshal(data, &pinned))
	data, err = io.ReadAll(os.Stdin)
	must(err)
	must(json.Unmarshal(data, &signed))
	var charter struct {
		Parties []struct {
			Name string
			Keys []struct {
				PublicKey     string `json:"public_key"`
				Opens, Closes time.Time
			}
		}
	}
	must(json.Unmarshal(pinned.Payload, &charter))
	kind := signed.PayloadType
	message := fmt.Sprintf("DSSEv1 %d %s %d %s", len(kind), kind, len(signed.Payload), signed.Payload)
	for _, party := range charter.Parties {
		counts := false
		for _, listed := range party.Keys {
			der, err := base64.StdEncoding.DecodeString(listed.PublicKey)
			must(err)
			key, err := x509.ParsePKIXPublicKey(der)
			must(err)
			for _, signature := range signed.Signatures {
				if signature.KeyID != fmt.Sprintf("%x", sha256.Sum256(der)) {
					continue
				}
				if signature.Party != party.Name || !ed25519.Verify(key.(ed25519.PublicKey), []byte(message), signature.Sig) {
					log.Fatalf("a false signature by a key of %s", party.Name)
				}
				counts = counts || !moment.Before(listed.Opens) && moment.Before(listed.Closes)
			}
		}
		if counts {
			fmt.Println(party.Name)
		}
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
