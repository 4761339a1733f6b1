<?php
$count = (int) ($_GET['count'] ?? 2);
for ($i = 1; $i <= $count; $i++) {
    echo "part $i: <!--#include virtual=\"/fragment/$i?a=$i\" -->\n";
    flush();
}
echo str_repeat('x', (int) ($_GET['fill'] ?? 0));
