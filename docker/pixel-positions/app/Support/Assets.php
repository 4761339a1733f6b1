<?php

namespace App\Support;

use RuntimeException;

/** Looks up hashed file names in a manifest of Vite's format. */
class Assets
{
    private string $manifest;

    /** @var array<string, array{file: string}>|null */
    private ?array $entries = null;

    public function __construct(string $manifest)
    {
        $this->manifest = $manifest;
    }

    /** The public path of a source such as `resources/css/app.css`. */
    public function url(string $source): string
    {
        $this->entries ??= json_decode((string) @file_get_contents($this->manifest), true) ?? [];

        if (! isset($this->entries[$source])) {
            throw new RuntimeException("{$source} is not in {$this->manifest}; run bin/build-assets");
        }

        return '/build/'.$this->entries[$source]['file'];
    }
}
