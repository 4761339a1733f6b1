<?php

namespace App\Support;

use Illuminate\Contracts\Filesystem\Filesystem;

/** Fills the private disk: two files are copied, the large one is computed. */
class PrivateFiles
{
    private const ROWS = 80000;

    private const COUNTRIES = ['AT', 'BE', 'CH', 'DE', 'DK', 'EE', 'ES', 'FI', 'FR', 'IE', 'IT', 'NL', 'NO', 'PL', 'PT', 'UK'];

    private const ROLES = ['backend', 'frontend', 'data', 'design', 'operations', 'support', 'security', 'writing', 'mobile', 'embedded'];

    public static function writeMissing(Filesystem $disk, string $sources): void
    {
        foreach (['salary-guide.csv', 'resume-template.pdf'] as $name) {
            if (! $disk->exists($name)) {
                $disk->put($name, file_get_contents($sources.'/'.$name));
            }
        }

        if (! $disk->exists('market-data.csv')) {
            $disk->put('market-data.csv', self::marketData());
        }
    }

    /** The same few megabytes everywhere: a plain generator instead of chance. */
    private static function marketData(): string
    {
        $rows = ["sample,country,role,years,workplace,salary_eur\n"];
        $state = 20260105;

        for ($n = 1; $n <= self::ROWS; $n++) {
            $state = ($state * 1103515245 + 12345) % 2147483648;
            $years = ($state >> 8) % 25;
            $rows[] = sprintf(
                "%06d,%s,%s,%d,%s,%d\n",
                $n,
                self::COUNTRIES[($state >> 4) % 16],
                self::ROLES[($state >> 12) % 10],
                $years,
                ['remote', 'hybrid', 'on-site'][($state >> 16) % 3],
                28000 + $years * 1650 + ($state >> 10) % 18000
            );
        }

        return implode('', $rows);
    }
}
