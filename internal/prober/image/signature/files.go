package signature

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Files is the folder where the Job has what ConfigMaps hold:
// <config map>/<key>.
type Files string

// maxFile is how large a ConfigMap may be, in bytes.
const maxFile = 1 << 20

// read reads one key of a ConfigMap. It never leaves the folder.
func (f Files) read(file v1alpha1.ConfigMapFile) ([]byte, error) {
	folder, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, absent(file)
	}
	defer func() { _ = folder.Close() }()
	opened, err := folder.Open(path.Join(file.Name, file.Key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absent(file)
	}
	if err != nil {
		return nil, fmt.Errorf("key %q of ConfigMap %q cannot be read", file.Key, file.Name)
	}
	defer func() { _ = opened.Close() }()
	content, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil || len(content) > maxFile {
		return nil, fmt.Errorf("key %q of ConfigMap %q cannot be read", file.Key, file.Name)
	}
	return content, nil
}

func absent(file v1alpha1.ConfigMapFile) error {
	return fmt.Errorf("ConfigMap %q with key %q is not there: create it, or correct the policy", file.Name, file.Key)
}
